"""Loading into Redis: readers see the old lists or the new ones, whole, and no key of others is touched."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shop_database import ODD_IDS, make_publication, rows_of

from data_contracts.errors import ConfigurationError, DatabaseError
from data_contracts.predictions import TABLES
from tasks.publication import redis_lists, redis_load, redis_lock, redis_server
from tasks.publication.redis_load import load
from tasks.runtime.step import is_worth_a_retry
from tasks.sources.databases import sink_url

STRANGE = (*ODD_IDS, "a:b", "user:a:b", ":", " ", "*", "[a-z]", "🧦 " * 3, "x" * 10_000)
OTHERS = {"shop:key": "1", "shelftalker:shop-2:first:user:a": "2", "shelftalker:shop:note": "3"}
MANY = tuple(f"user-{at:05d}" for at in range(2500))


@pytest.fixture
def client(redis_url):
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.mset(OTHERS)
        yield client


@pytest.fixture
def publications(home, tmp_path):
    """Two publications; the first has the odd ids, the second is long enough for several batches."""
    first = make_publication(tmp_path, "first", users=tuple(sorted(STRANGE)), model="wals")
    return first, make_publication(tmp_path, "second", users=MANY, k=3, model="bpr", day=2)


def send(publication, url, names=tuple(TABLES), **options):
    files = {name: publication.folder / TABLES[name] for name in names}
    return load(publication, files, sink_url(url), **options)


def read(client, user):
    """What a shop does: the pointer, then the list, or the list of unknown users."""
    live = json.loads(client.get("shelftalker:shop:live"))
    begins = f"shelftalker:shop:{live['run']}:"
    found = client.get(f"{begins}user:{user}")
    return live["run"], json.loads(client.get(f"{begins}unknown") if found is None else found)


def keys_of(client, run):
    """Names of a run's keys, without what all of them begin with."""
    begins = f"shelftalker:shop:{run}:".encode()
    return {
        key.removeprefix(begins).decode() for key in client.scan_iter(count=1000) if key.startswith(begins)
    }


def untouched(client):
    return {key: client.get(key).decode() for key in OTHERS} == OTHERS


def test_load__each_list_under_its_owners_id(client, redis_url, publications):
    first, _ = publications
    told = send(first, redis_url, chunk_rows=5)

    for user in STRANGE:
        rows = [row for row in rows_of(first, "predictions") if row[0] == user]
        _, entries = read(client, user)
        assert [(each["item_id"], pytest.approx(each["score"])) for each in entries] == [
            (item, score) for _user, _rank, item, score, _model in rows
        ]
        similar = json.loads(client.get(f"shelftalker:shop:first:similar:{user}"))
        assert [each["item_id"] for each in similar] == [row[2] for row in rows]
        users = json.loads(client.get(f"shelftalker:shop:first:users:{user}"))
        assert [each["user_id"] for each in users] == [row[2] for row in rows]
    assert len(keys_of(client, "first")) == 3 * len(STRANGE) + 1
    assert [row["rows"] for row in told] == [2 * len(STRANGE)] * 2 + [2, 2 * len(STRANGE)]
    assert told[0]["what"] == "shelftalker:shop:first:user:*"
    assert read(client, "who is this")[1][0]["item_id"] == rows_of(first, "strangers")[0][1]
    assert json.loads(client.get("shelftalker:shop:live"))["as_of"] == "2026-01-01"
    assert not client.exists("shelftalker:shop:lock")
    assert untouched(client)


def test_load__scores_are_short_and_titles_come_along(client, redis_url, publications):
    first, _ = publications
    titles = {"item_id": pa.array(["0071053", "NULL"]), "title": pa.array(["Größe 🧦", None])}
    pq.write_table(pa.table(titles), first.folder / "titles.parquet")
    send(first, redis_url)

    listed = client.get("shelftalker:shop:first:unknown").decode()
    rows = rows_of(first, "strangers")
    assert listed.startswith(f'[{{"item_id":{json.dumps(rows[0][1])},"score":0.9')
    entries = json.loads(client.get("shelftalker:shop:first:similar:=1+1"))
    everything = [
        each for owner in STRANGE for each in json.loads(client.get(f"shelftalker:shop:first:user:{owner}"))
    ]
    assert {each["item_id"] for each in everything if "title" in each} == {"0071053"}
    assert all(len(str(each["score"])) < 6 for each in entries)


def test_load__readers_change_over_at_once_and_the_run_before_ends_by_itself(client, redis_url, publications):
    first, second = publications
    send(first, redis_url)
    send(second, redis_url)

    assert read(client, "user-00000")[0] == "second"
    assert len(keys_of(client, "second")) == 3 * len(MANY) + 1
    left = keys_of(client, "first")
    assert len(left) == 3 * len(STRANGE) + 1
    ends = [client.ttl(f"shelftalker:shop:first:{key}") for key in left]
    assert redis_load.KEEP_SECONDS - 60 < min(ends) <= max(ends) <= redis_load.KEEP_SECONDS
    assert {client.ttl(f"shelftalker:shop:second:{key}") for key in keys_of(client, "second")} == {-1}


def test_load__back_to_the_run_before_while_it_is_ending(client, redis_url, publications):
    for publication in (*publications, publications[0]):
        send(publication, redis_url)

    assert read(client, "a:b")[0] == "first"
    assert {client.ttl(f"shelftalker:shop:first:{key}") for key in keys_of(client, "first")} == {-1}
    assert client.hget("shelftalker:shop:runs", "first") == b"live"


def test_load__a_run_whose_keys_have_ended_is_forgotten(client, redis_url, publications):
    first, second = publications
    send(first, redis_url)
    client.hset("shelftalker:shop:runs", "long-ago", 1)
    send(second, redis_url)
    send(second, redis_url)

    assert set(client.hkeys("shelftalker:shop:runs")) == {b"first", b"second"}


def test_load__one_table_of_the_live_run_leaves_the_others(client, redis_url, publications):
    first, second = publications
    send(first, redis_url)
    send(first, redis_url, ["strangers"])
    assert set(json.loads(client.get("shelftalker:shop:live"))["tables"]) == set(TABLES)
    send(second, redis_url, ["strangers"])

    assert json.loads(client.get("shelftalker:shop:live"))["tables"] == {"strangers": 3}
    assert keys_of(client, "second") == {"unknown"}


def test_load__lists_that_do_not_arrive_replace_nothing(client, redis_url, publications, monkeypatch):
    first, second = publications
    send(first, redis_url)
    write = redis_load.Shelf._write
    monkeypatch.setattr(
        redis_load.Shelf,
        "_write",
        lambda self, values: write(self, dict(list(values.items())[1:])),
    )

    with pytest.raises(
        DatabaseError, match=r"has 2497 lists of predictions, expected 2500.*nothing was replaced"
    ):
        send(second, redis_url)
    assert read(client, "a:b")[0] == "first"
    assert not keys_of(client, "second")
    assert untouched(client)


def test_load__a_schema_of_its_own(client, redis_url, publications):
    first, _ = publications
    (row, *_) = send(first, redis_url, schema="web")

    assert row["what"] == "web:shop:first:user:*"
    assert client.exists("web:shop:live")
    with pytest.raises(ConfigurationError, match="schema 'a:b' must be letters"):
        send(first, redis_url, schema="a:b")


@pytest.mark.parametrize("value", ["nonsense", "[]", '{"dataset": "other", "run": "x"}'])
def test_load__a_pointer_that_is_not_ours_is_left_alone(client, redis_url, publications, value):
    client.set("shelftalker:shop:live", value)

    with pytest.raises(
        ConfigurationError, match=r"'shelftalker:shop:live' in .* was not made by shelftalker"
    ):
        send(publications[0], redis_url)
    assert client.get("shelftalker:shop:live") == value.encode()


def test_load__waits_for_another_one_and_gives_up(client, redis_url, publications, monkeypatch):
    monkeypatch.setattr(redis_lock, "WAIT_SECONDS", 0.3)
    client.set("shelftalker:shop:lock", "somebody")

    with pytest.raises(
        DatabaseError, match="another load has held shelftalker:shop:lock in Redis database 0 at"
    ):
        send(publications[0], redis_url)
    assert client.get("shelftalker:shop:lock") == b"somebody"


@pytest.mark.parametrize("moment", ["_count", "switch"])
def test_load__one_whose_lock_was_taken_over_changes_nothing(
    client, redis_url, publications, monkeypatch, moment
):
    first, second = publications
    send(first, redis_url)
    kept = getattr(redis_load.Shelf, moment)

    def late(self, *given):
        client.set("shelftalker:shop:lock", "somebody")
        return kept(self, *given)

    monkeypatch.setattr(redis_load.Shelf, moment, late)
    with pytest.raises(DatabaseError, match="another load may have begun"):
        send(second, redis_url)
    assert read(client, "a:b")[0] == "first"
    # What it wrote has a name, by which the next load removes it.
    assert client.hget("shelftalker:shop:runs", "second") == b"loading"
    assert client.get("shelftalker:shop:lock") == b"somebody"


KILLED = textwrap.dedent("""
    import os, signal, sys
    from data_contracts.predictions import TABLES
    from tasks.publication import redis_load
    from tasks.publication.registry import Publication
    from tasks.sources.databases import sink_url

    url, moment, publication = sys.argv[1], sys.argv[2], Publication.model_validate_json(sys.argv[3])
    kept, calls = getattr(redis_load.Shelf, moment), 0

    def die(*given):
        global calls
        kept(*given)
        calls += 1
        if calls == (3 if moment == "_write" else 1):
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(redis_load.Shelf, moment, die)
    files = {name: publication.folder / file for name, file in TABLES.items()}
    redis_load.load(publication, files, sink_url(url))
""")


@pytest.mark.parametrize("moment", ["_write", "fill", "switch"])
def test_load__killed_in_the_middle_leaves_the_old_and_the_next_one_cleans_up(
    client, redis_url, publications, moment
):
    first, second = publications
    send(first, redis_url)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, redis_url, moment, second.model_dump_json()],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    left = "second" if moment == "switch" else "first"

    assert killed.returncode == -signal.SIGKILL
    assert read(client, "a:b")[0] == left
    assert len(keys_of(client, "second")) >= 1000
    # The dead one's lock ends by itself; here nobody waits for it.
    assert 0 < client.pttl("shelftalker:shop:lock") <= redis_lock.LOCK_SECONDS * 1000
    client.delete("shelftalker:shop:lock")

    send(first, redis_url)
    assert read(client, "a:b")[0] == "first"
    if left == "first":
        assert not keys_of(client, "second")
    assert {client.ttl(f"shelftalker:shop:first:{key}") for key in keys_of(client, "first")} == {-1}
    assert untouched(client)


def worth_a_retry(error):
    class Failed:
        def result(self):
            raise error

    return is_worth_a_retry(None, None, Failed())


def test_load__a_server_that_is_full_keeps_the_old_lists(client, redis_url, publications):
    first, second = publications
    send(first, redis_url)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 400_000)

    with pytest.raises(
        DatabaseError, match=r"is out of memory .* nothing was replaced. It must hold"
    ) as raised:
        send(second, redis_url)
    assert worth_a_retry(raised.value)
    assert read(client, "a:b")[0] == "first"
    assert not keys_of(client, "second")


def test_load__a_server_that_evicts_is_found_out(client, redis_url, publications):
    client.config_set("maxmemory-policy", "allkeys-random")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 400_000)

    with pytest.raises(DatabaseError, match=r"maxmemory-policy noeviction|another load may have begun"):
        send(publications[1], redis_url)
    assert not client.exists("shelftalker:shop:live")


def test_load__a_server_that_is_away_is_worth_a_retry(publications, closed_port):
    with pytest.raises(
        DatabaseError, match=rf"database 3 at 127.0.0.1:{closed_port} does not answer"
    ) as raised:
        send(publications[0], f"redis://shop:hidden@127.0.0.1:{closed_port}/3")
    assert "hidden" not in str(raised.value)
    assert worth_a_retry(raised.value)


@pytest.mark.parametrize("gone", ["connection", "server"])
def test_load__what_is_lost_on_the_way(client, redis_url, publications, monkeypatch, gone):
    first, second = publications
    send(first, redis_url)
    write, calls = redis_load.Shelf._write, []

    def cut(self, values):
        write(self, values)
        calls.append(len(values))
        if len(calls) == 2:
            client.client_kill_filter(
                _type="normal", skipme=True
            ) if gone == "connection" else client.shutdown()

    monkeypatch.setattr(redis_load.Shelf, "_write", cut)
    if gone == "connection":  # nothing was under way: the next batch gets a new one
        send(second, redis_url)
        assert read(client, "user-00000")[0] == "second"
    else:
        with pytest.raises(DatabaseError, match="does not answer as it should") as raised:
            send(second, redis_url)
        assert worth_a_retry(raised.value)


@pytest.mark.parametrize("password", ["", ":not-the-one@"])
def test_load__a_wrong_password_is_named_and_not_repeated(start_redis, publications, password):
    url = start_redis("--requirepass", "the p@ss:word")

    with pytest.raises(ConfigurationError, match=r"at 127.0.0.1:.* refuses the user or password") as raised:
        send(publications[0], url.replace("//", f"//{password}"))
    assert "not-the-one" not in str(raised.value)
    assert not worth_a_retry(raised.value)
    assert send(publications[0], url.replace("//", "//:the%20p%40ss%3Aword@"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("/shop", "'shop' is no database of the Redis server at 127.0.0.1: write a number"),
        ("/99", "refuses it: .*out of range"),
        ("/0?nonsense=1", "has an option that redis-py refuses: .*nonsense"),
        ("/0?socket_timeout=long", "has an option that redis-py refuses: .*socket_timeout"),
    ],
)
def test_load__a_url_that_is_wrong(redis_url, publications, options, said):
    with pytest.raises(ConfigurationError, match=said):
        send(publications[0], redis_url.removesuffix("/0") + options)


def test_check__names_the_command_of_the_missing_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(
        ConfigurationError, match=r"needs redis, which is not installed: .*--editable '\.\[redis\]'"
    ):
        redis_server.check(sink_url("redis://localhost"))


def test_in_batches__what_is_sent_at_once_has_a_limit():
    small, large = redis_lists.List("a", "x", 1), redis_lists.List("a", "x" * redis_lists.BATCH_BYTES, 1)
    lists = [small] * 1001 + [large, large, small]

    assert [len(batch) for batch in redis_lists.in_batches(lists)] == [1000, 2, 1, 1]
    assert not list(redis_lists.in_batches([]))
