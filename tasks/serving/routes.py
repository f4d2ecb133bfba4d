"""What can be asked of the service, and how it is answered."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from tasks.lookup.answers import Audience, FactorVector, Origin, Recommendations, SimilarItems
from tasks.lookup.opened import OpenPublication
from tasks.serving import questions as ask
from tasks.serving.figures import ANSWERS, exposition
from tasks.serving.live import LiveDataset
from tasks.serving.page import page

FEW: Final = 20
"""Users whose lists are looked up in passing; more are looked up beside other questions."""

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ask.Problem, "description": text}
    for status, text in {
        400: "A parameter has no meaning here.",
        401: "A key is needed.",
        404: "No such item, dataset or page.",
        413: "The body is too large.",
        422: "A parameter or the body is not as described.",
        503: "Nothing is published yet.",
    }.items()
}
# What is no HTTP at all is refused by the server below, in plain text.
PROBLEMS[400]["content"] = {"text/plain": {}}
routes = APIRouter(responses=PROBLEMS)


def _shop(
    request: Request, dataset: str | None, user_id: str | None = None
) -> tuple[OpenPublication, str | None]:
    """The publication that answers, and the arm of the A/B test."""
    datasets: dict[str, LiveDataset] = request.app.state.datasets
    name = next(iter(datasets)) if dataset is None else dataset
    if name not in datasets:
        raise HTTPException(404, f"dataset {name!r} is not served here; there are: {', '.join(datasets)}")
    state = datasets[name].state
    if state is None:
        raise HTTPException(503, f"dataset {name!r}: {datasets[name].problem}")
    return state.for_user(user_id)


def _tag(shop: OpenPublication) -> str:
    return f'"{shop.publication.run}{shop.rules_tag}"'


def _reply(
    request: Request, shop: OpenPublication, arm: str | None, ask_shop: Callable[[], Origin]
) -> Response:
    """Answer, unless the caller has the answer of this publication already."""
    tag = _tag(shop)
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.method == "GET" and tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    answer = ask_shop()
    if arm is not None:
        answer = answer.model_copy(update={"variant": arm})
    ANSWERS.labels(answer.dataset, answer.source).inc()
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


@routes.get("/v1/users/{user_id:path}/recommendations", response_model=Recommendations)
async def recommendations(
    request: Request,
    user_id: ask.UserId,
    n: ask.N = 10,
    offset: ask.Offset = 0,
    exclude: ask.Exclude = [],  # noqa: B006 - FastAPI copies it
    category: ask.Category = None,
    explain: ask.Explain = False,
    dataset: ask.Dataset = None,
) -> Response:
    """Items for a user, best first. Who is unknown gets the popular ones, and `source` says so."""
    shop, arm = _shop(request, dataset, user_id)

    def answer() -> Recommendations:
        return shop.recommend(user_id, n, offset=offset, exclude=exclude, category=category, explain=explain)

    if explain:  # asks the model, which takes its time
        return await run_in_threadpool(_reply, request, shop, arm, answer)
    return _reply(request, shop, arm, answer)


@routes.post("/v1/recommendations", response_model=ask.ManyRecommendations)
async def recommendations_of_many(
    request: Request, question: ask.ManyUsers, dataset: ask.Dataset = None
) -> Response:
    """Lists of many users, in the order of the question."""

    def answers() -> bytes:
        found = []
        for user_id in question.user_ids:
            shop, arm = _shop(request, dataset, user_id)
            answer = shop.recommend(user_id, question.n, exclude=question.exclude, category=question.category)
            found.append(answer.model_copy(update={"variant": arm}).model_dump_json())
        return f'{{"answers":[{",".join(found)}]}}'.encode()

    content = answers() if len(question.user_ids) <= FEW else await run_in_threadpool(answers)
    return Response(content, media_type="application/json")


@routes.get("/v1/items/{item_id:path}/similar", response_model=SimilarItems)
async def similar(
    request: Request,
    item_id: ask.ItemId,
    n: ask.N = 10,
    exclude: ask.Exclude = [],  # noqa: B006 - FastAPI copies it
    category: ask.Category = None,
    dataset: ask.Dataset = None,
) -> Response:
    """Items that go with an item, best first."""
    shop, arm = _shop(request, dataset)
    return _reply(request, shop, arm, lambda: shop.similar(item_id, n, exclude=exclude, category=category))


@routes.get("/v1/items/{item_id:path}/users", response_model=Audience)
async def users(
    request: Request, item_id: ask.ItemId, n: ask.N = 10, dataset: ask.Dataset = None
) -> Response:
    """Users to show an item to, best first."""
    shop, arm = _shop(request, dataset)
    return _reply(request, shop, arm, lambda: shop.users_for(item_id, n))


@routes.get("/v1/popular", response_model=Recommendations)
async def popular(
    request: Request,
    n: ask.N = 10,
    offset: ask.Offset = 0,
    exclude: ask.Exclude = [],  # noqa: B006 - FastAPI copies it
    category: ask.Category = None,
    dataset: ask.Dataset = None,
) -> Response:
    """What somebody gets of whom nothing is known."""
    shop, arm = _shop(request, dataset)
    return _reply(
        request, shop, arm, lambda: shop.popular(n, offset=offset, exclude=exclude, category=category)
    )


@routes.post("/v1/sessions/recommendations", response_model=Recommendations)
async def session(request: Request, question: ask.Session, dataset: ask.Dataset = None) -> Response:
    """Items for a visitor of whom only some items are known, without training again."""
    shop, arm = _shop(request, dataset, question.user_id)

    def answer() -> Recommendations:
        return shop.for_session(
            question.as_items(),
            question.n,
            exclude=question.exclude,
            category=question.category,
            user_id=question.user_id,
        )

    return await run_in_threadpool(_reply, request, shop, arm, answer)


@routes.get("/v1/users/{user_id:path}/factors", response_model=FactorVector)
async def user_factors(request: Request, user_id: ask.UserId, dataset: ask.Dataset = None) -> Response:
    """What the model learned of a user, where it has factors."""
    shop, arm = _shop(request, dataset, user_id)

    def answer() -> FactorVector:
        found = shop.user_factors(user_id)
        if found is None:
            raise HTTPException(404, f"user {user_id!r} is not known to the model of {shop.publication.path}")
        return found

    return await run_in_threadpool(_reply, request, shop, arm, answer)


@routes.get("/v1/items/{item_id:path}/factors", response_model=FactorVector)
async def item_factors(request: Request, item_id: ask.ItemId, dataset: ask.Dataset = None) -> Response:
    """What the model learned of an item, where it has factors."""
    shop, arm = _shop(request, dataset)
    return await run_in_threadpool(_reply, request, shop, arm, lambda: shop.item_factors(item_id))


# The service itself


@routes.get("/health/live")
async def health_live() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "live"}


@routes.get("/health/ready")
async def health_ready(request: Request) -> dict[str, str]:
    """Whether every dataset can be looked up; 503 until then."""
    waiting = {each.name: each.problem for each in request.app.state.datasets.values() if each.state is None}
    if waiting:
        raise HTTPException(503, "; ".join(f"dataset {name!r}: {why}" for name, why in waiting.items()))
    return {"status": "ready"}


@routes.get("/version")
async def versions(request: Request) -> dict[str, Any]:
    """Version of the program, and what each dataset is answered from."""
    served = {}
    for each in request.app.state.datasets.values():
        shop = None if each.state is None else each.state.live
        served[each.name] = {
            "publication": None if shop is None else shop.publication.run,
            "as_of": None if shop is None else shop.publication.as_of,
            "model": None if shop is None else shop.model,
            "problem": each.problem or None,
        }
    return {"version": version("shelftalker"), "datasets": served}


@routes.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Figures in Prometheus' text format."""
    content, kind = exposition()
    return Response(content, headers={"content-type": kind})


@routes.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """All questions on one page, which needs nothing from elsewhere."""
    return HTMLResponse(page(request.app.openapi()))
