"""The look-up service: reads what is published, writes nothing, needs no database."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from data_contracts.errors import ConfigurationError, NotOfferedError, ShelftalkerError, UnknownItemError
from tasks.lookup.answers import Audience, FactorVector, Origin, Recommendations, SimilarItems
from tasks.lookup.opened import OpenPublication
from tasks.serving import questions as ask
from tasks.serving.figures import ANSWERS, SWITCHES, exposition
from tasks.serving.guard import Guard
from tasks.serving.live import LiveDataset
from tasks.serving.page import page
from tasks.serving.settings import ApiSettings, keys_of

LOOPBACK_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
FEW: Final = 20
"""Users whose lists are looked up in passing; more are looked up beside other questions."""

A = TypeVar("A", bound=Origin)

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


def from_environment() -> FastAPI:
    """Make the application of one worker."""
    return create_app(ApiSettings.from_environment(), keys_of(os.environ, None))


def create_app(settings: ApiSettings, keys: tuple[str, ...] = ()) -> FastAPI:
    """Make the application.

    Raises
    ------
    ConfigurationError
        If a dataset file is wrong.

    """
    datasets = {each.name: each for each in map(LiveDataset, settings.datasets)}

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(_follow, datasets)
        task = asyncio.create_task(_keep_following(datasets, settings.poll_seconds))
        with contextlib.suppress(RuntimeError, ValueError):  # only the main thread may listen to signals
            asyncio.get_running_loop().add_signal_handler(
                signal.SIGHUP, lambda: app.state.tasks.add(asyncio.create_task(_again(datasets)))
            )
        yield
        task.cancel()

    app = FastAPI(
        title="Shelftalker",
        version=version("shelftalker"),
        description="Who may see what, now: look-ups in what is published.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.datasets, app.state.tasks = datasets, set()
    app.include_router(routes)
    for error, handler in HANDLERS.items():
        app.add_exception_handler(error, handler)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_headers=["authorization", "x-api-key"],
        )
    app.add_middleware(Guard, keys=keys)
    if (
        settings.is_local
    ):  # a foreign name that resolves to this machine must not get in through somebody's browser
        names = [*LOOPBACK_NAMES, *settings.allowed_hosts]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=names, www_redirect=False)
    return app


def _follow(datasets: dict[str, LiveDataset], *, again: bool = False) -> None:
    for each in datasets.values():
        if each.follow(again=again):
            SWITCHES.labels(each.name).inc()


async def _again(datasets: dict[str, LiveDataset]) -> None:
    await run_in_threadpool(lambda: _follow(datasets, again=True))


async def _keep_following(datasets: dict[str, LiveDataset], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        await run_in_threadpool(_follow, datasets)


# Questions


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
            question.as_items(), question.n, exclude=question.exclude, category=question.category
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


# What goes wrong


def _problem(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)


async def _refused(_request: Request, error: Exception) -> Response:
    if isinstance(error, UnknownItemError | NotOfferedError):
        return _problem(404, str(error))
    return _problem(400 if isinstance(error, ConfigurationError) else 503, str(error))


async def _not_understood(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5]]
    return _problem(422, "; ".join(said))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)


HANDLERS: Final[dict[Any, Any]] = {
    ShelftalkerError: _refused,
    RequestValidationError: _not_understood,
    HTTPException: _http,
}
