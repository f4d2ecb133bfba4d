"""Who hears of a step."""

from tasks.runtime.progress import Renamed, Silent, listener, listening


def test_renamed__changes_the_beginning_of_a_name_alone():
    heard = []

    class Ear(Silent):
        def started(self, step):
            heard.append(step)

        def advanced(self, step, done, total, figures):
            heard.append(step)

        def finished(self, step, seconds, *, reused, facts):
            heard.append(step)

    with listening(Ear()), listening(Renamed(listener(), "train ", "refit ")):
        listener().started("train wals")
        listener().advanced("train wals", 1, 2, {})
        listener().finished("map what train left", 1.0, reused=False, facts={})

    assert heard == ["refit wals", "refit wals", "map what train left"]
