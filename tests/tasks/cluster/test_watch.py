import pytest

from tasks.cluster import watch
from tasks.cluster.watch import Watch


@pytest.fixture
def clock(monkeypatch):
    """The time, which a test may move."""
    now = [100.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: now[0])
    return now


def test_watch__waits_as_long_as_is_said_for_somebody_who_takes_work(clock):
    seen = Watch(patience=60)
    assert seen.saw({"a": "paused"})
    clock[0] += 59
    assert seen.saw({})
    clock[0] += 2
    assert not seen.saw({"b": "paused"})
    assert seen.saw({"b": "paused", "c": "running"})
    assert seen.running == {"c"}
    assert seen.saw({})


def test_watch__knows_who_is_paused_for_long(clock):
    seen = Watch(patience=60)
    seen.saw({"a": "paused", "b": "running"})
    clock[0] += 40
    seen.saw({"a": "paused", "b": "paused"})
    clock[0] += 30
    assert seen.is_stuck("a")
    assert not seen.is_stuck("b")
    seen.saw({"a": "running", "b": "paused"})
    assert not seen.is_stuck("a")
