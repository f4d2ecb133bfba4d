"""Answers over HTTP: the same as those of the publication, and a clear refusal of everything else."""

import time
from urllib.parse import quote

import pytest
from lookup_shop import FORMER, LISTS, publish_shop
from running_api import running

from tasks.serving.app import create_app
from tasks.serving.settings import ApiSettings

ODD_IDS = [
    "a/b/recommendations",
    "'; DROP TABLE x; --",
    "100%",
    "🧦 é",
    " ",
    "?x=1#y",
    "x" * 10_000,
    "...",
    "\\N",
]


def until(question, expected):
    """Ask until the answer is as expected; the follower is quick but takes its time."""
    end = time.monotonic() + 10
    while (found := question()) != expected and time.monotonic() < end:
        time.sleep(0.01)
    return found


def items(answer):
    return [int(item["item_id"][1:]) for item in answer.json()["items"]]


@pytest.mark.parametrize("user", LISTS)
def test_recommendations__of_every_user_are_what_was_published(client, user):
    answer = client.get(f"/v1/users/{quote(user, safe='')}/recommendations")

    assert answer.status_code == 200
    assert tuple(items(answer)) == LISTS[user]
    assert answer.json()["source"] == ("cold_start" if user == FORMER else "model")


@pytest.mark.parametrize("user", ODD_IDS)
def test_recommendations__of_unknown_users_are_the_popular_ones(client, user):
    answer = client.get(f"/v1/users/{quote(user, safe='')}/recommendations?n=2")

    assert (answer.status_code, answer.json()["source"], answer.json()["user_id"]) == (200, "popular", user)
    assert items(answer) == [4, 3]


def test_recommendations__heed_what_is_excluded_and_the_category(client):
    answer = client.get("/v1/users/a%2Fb/recommendations?exclude=i0&exclude=i3&category=Acme&n=2&offset=0")

    assert (items(answer), answer.json()["short"]) == ([1], True)


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/v1/users//recommendations", 422, "user_id"),
        ("/v1/users/x/recommendations?n=0", 422, "query.n"),
        ("/v1/users/x/recommendations?n=many", 422, "query.n"),
        ("/v1/users/x/recommendations?offset=-1", 422, "query.offset"),
        ("/v1/users/x/recommendations?dataset=other", 404, "'other' is not served here; there are: shop"),
        (f"/v1/users/{'x' * 20_000}/recommendations", 422, "user_id"),
        ("/v1/items/nothing/similar", 404, "item 'nothing' is not in the catalogue"),
        ("/v1/items/nothing/users", 404, "item 'nothing'"),
        ("/v1/users/x/factors", 404, "has no factors"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_questions__that_cannot_be_answered_are_named(client, path, status, named):
    answer = client.get(path)

    assert answer.status_code == status
    assert named in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"items": []}',
        b'{"items": ["a"], "m": 1}',
        b'{"items": [{"item_id": "a", "weight": -1}]}',
        b'{"items": ["\\ud800"]}',
        b'{"items": [' + b"[" * 5000,
    ],
)
def test_sessions__refuse_a_wrong_body(client, body):
    answer = client.post(
        "/v1/sessions/recommendations", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code in {400, 422}
    assert answer.json()["error"]


def test_sessions__are_answered_from_their_items(client):
    answer = client.post(
        "/v1/sessions/recommendations", json={"items": ["i0", {"item_id": "new", "weight": 2}], "n": 3}
    )

    assert (items(answer), answer.json()["source"]) == ([1, 2, 3], "fold_in")
    assert answer.json()["unknown_items"] == ["new"]


def test_many_users__are_answered_in_the_order_of_the_question(client):
    asked = ["nobody", "a/b", *(f"u{n}" for n in range(40))]
    answer = client.post("/v1/recommendations", json={"user_ids": asked, "n": 1}).json()["answers"]

    assert [each["user_id"] for each in answer] == asked
    assert [each["items"][0]["item_id"] for each in answer[:2]] == ["i4", "i0"]


def test_replies__need_not_be_sent_again(client):
    tag = client.get("/v1/popular").headers["etag"]
    again = client.get("/v1/popular", headers={"if-none-match": tag})

    assert (tag, again.status_code, again.content) == ('"first"', 304, b"")


def test_service__follows_what_is_live(client, tmp_path):
    publish_shop(tmp_path, "second", day=2, reverse=True)

    assert until(lambda: items(client.get("/v1/popular")), [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert client.get("/version").json()["datasets"]["shop"]["publication"] == "second"


def test_service__goes_on_with_what_it_has_when_the_next_is_damaged(app, client, tmp_path):
    second = publish_shop(tmp_path, "second", day=2)
    (second.folder / "lookup" / "users.bytes").write_bytes(b"x" * 31)
    app.state.datasets["shop"].state = None  # as if it started now
    app.state.datasets["shop"].follow(again=True)

    assert client.get("/v1/popular").status_code == 503
    assert "users.bytes" in client.get("/health/ready").json()["error"]


def test_service__is_not_ready_before_anything_is_published(home, tmp_path):
    settings = ApiSettings(datasets=("shop",), poll_seconds=0.02)
    with running(create_app(settings)) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert "nothing is published" in client.get("/v1/popular").json()["error"]
        publish_shop(tmp_path)
        assert until(lambda: client.get("/health/ready").status_code, 200) == 200


def test_service__asks_for_a_key_where_there_is_one(home, tmp_path):
    publish_shop(tmp_path)
    key = "k" * 20
    app = create_app(ApiSettings(datasets=("shop",)), (key,))
    with running(app) as client:
        statuses = [
            client.get("/v1/popular", headers=headers).status_code
            for headers in (
                {},
                {"x-api-key": "wrong"},
                {"authorization": f"Basic {key}"},
                {"x-api-key": key},
                {"authorization": f"Bearer {key}"},
            )
        ]
        assert statuses == [401, 401, 401, 200, 200]
        assert client.get("/health/ready").status_code == 200


def test_service__answers_under_its_own_names_alone(client):
    assert client.get("/v1/popular", headers={"host": "evil.example"}).status_code == 400


def test_service__refuses_a_body_that_is_too_large(client):
    assert client.post("/v1/recommendations", content=b"x" * 1_000_001).status_code == 413

    def parts():
        for _ in range(3):
            yield b" " * 500_000

    answer = client.post("/v1/recommendations", content=parts(), headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500


def test_service__lets_no_web_page_ask_but_those_named(home, tmp_path, client):
    asked = {"origin": "https://shop.example"}
    assert "access-control-allow-origin" not in client.get("/v1/popular", headers=asked).headers
    settings = ApiSettings(datasets=("shop",), allowed_origins=("https://shop.example",))
    with running(create_app(settings)) as open_client:
        said = open_client.get("/v1/popular", headers=asked).headers
    assert said["access-control-allow-origin"] == "https://shop.example"


def test_service__lets_a_browser_ask_first_without_a_key(home, tmp_path):
    publish_shop(tmp_path)
    settings = ApiSettings(datasets=("shop",), allowed_origins=("https://shop.example",))
    asked = {
        "origin": "https://shop.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "x-api-key",
    }
    with running(create_app(settings, ("k" * 20,))) as client:
        said = client.options("/v1/popular", headers=asked)

    assert (said.status_code, said.headers["access-control-allow-origin"]) == (200, "https://shop.example")


def test_metrics__count_questions_by_their_route(client):
    client.get("/v1/users/a/recommendations")
    text = client.get("/metrics").text

    assert 'shelftalker_requests_total{route="/v1/users/{user_id:path}/recommendations",status="200"}' in text
    assert 'shelftalker_answers_total{dataset="shop",source="popular"}' in text


def test_docs__tell_all_that_can_be_asked(client):
    text = client.get("/docs").text

    assert "/v1/sessions/recommendations" in text
    assert "http" not in text.replace("http-equiv", "")


VARIANTS = """
name = "shop"
source.path = "log.csv"
columns = {{ user = "user", item = "item", time = "time" }}
[variants]
salt = "{salt}"
arms.new = {{ share = 0.5, publication = "live" }}
arms.old = {{ share = 0.5, model = "popularity" }}
"""


def test_variants__give_each_arm_its_own_publication(home, tmp_path):
    publish_shop(tmp_path, "old", kind="popularity")
    publish_shop(tmp_path, "new", day=2, reverse=True, kind="recent_popularity")
    path = tmp_path / "shop.toml"
    path.write_text(VARIANTS.format(salt="one"))
    with running(create_app(ApiSettings(datasets=(str(path),), poll_seconds=0.02))) as client:

        def arms():
            found = {}
            for at in range(40):
                answer = client.get(f"/v1/users/user{at}/recommendations").json()
                assert answer["publication"] == answer["variant"]
                found[at] = answer["variant"]
            return found

        first = arms()
        assert set(first.values()) == {"old", "new"}
        assert arms() == first
        assert client.get("/v1/popular").json()["variant"] is None
        path.write_text(VARIANTS.format(salt="two"))
        assert until(lambda: arms() != first, True)
