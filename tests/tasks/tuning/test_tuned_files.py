from datetime import UTC, datetime, timedelta

import pytest

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.selection import Selection
from data_contracts.tuned import Tuned, TunedModel
from tasks.tuning.tuned_files import check_tuned_before, keep, load_tuned, tuned_path

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


def model(value, until=UNTIL):
    return TunedModel(
        kind="wals",
        study="s",
        storage="sqlite:///x",
        data="ff",
        until=until,
        windows=(),
        metric="recall@5",
        scenario="repeat",
        trials=1,
        value=value,
        parameters={},
    )


def test_keep__adds_a_model_and_leaves_the_others(tmp_path):
    path = tmp_path / "new" / "shop.toml"

    keep(path, "shop", "a", model(0.1))
    keep(path, "shop", "b", model(0.2))
    keep(path, "shop", "a", model(0.3))

    assert {name: each.value for name, each in Tuned.load(path).models.items()} == {"a": 0.3, "b": 0.2}
    with pytest.raises(ConfigurationError, match="choose another --output"):
        keep(path, "other", "a", model(0.1))


def test_load_tuned__finds_a_name_in_the_home_and_refuses_another_dataset(home):
    spec = DatasetSpec.load("sample")
    keep(tuned_path("mine"), "sample", "wals", model(0.1))
    keep(tuned_path("theirs"), "shop", "wals", model(0.1))

    assert tuned_path("mine") == home / "tuned" / "mine.toml"
    assert load_tuned("mine", spec).models["wals"].value == 0.1
    assert load_tuned(None, spec) is None
    with pytest.raises(ConfigurationError, match="tuned for dataset 'shop', not 'sample'"):
        load_tuned("theirs", spec)
    with pytest.raises(ConfigurationError, match="must be letters"):
        load_tuned("../mine", spec)


@pytest.mark.parametrize(("days", "refused"), [(-1, True), (0, False), (1, False)])
def test_check_tuned_before__refuses_parameters_that_saw_the_hold_out(days, refused):
    tuned = Tuned(dataset="shop", models={"wals": model(0.1)})
    train = Selection(end=UNTIL + timedelta(days=days))

    if refused:
        with pytest.raises(ConfigurationError, match="'wals' was tuned on events until"):
            check_tuned_before(tuned, train)
    else:
        check_tuned_before(tuned, train)
    check_tuned_before(None, train)
    check_tuned_before(tuned, Selection())
