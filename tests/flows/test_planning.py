from datetime import timedelta

from data_contracts.dataset import DatasetSpec
from flows.planning import chosen_models, contenders
from tasks.publication.registry import latest
from tasks.runtime.files import read_json, write_json
from tasks.runtime.manifests import CHECKSUM, MANIFEST


def with_live(small, **recipe):
    """Contenders of a run while a model of that recipe is live."""
    path = latest("small").folder / MANIFEST
    manifest = read_json(path)
    manifest["model"] |= recipe
    manifest.pop(CHECKSUM, None)  # as of a version that wrote none
    write_json(path, manifest)
    return next_day(small)


def next_day(small):
    """Contenders of a run on the day after the live one."""
    spec = DatasetSpec.load(small().dataset)
    return contenders(spec.name, latest("small").as_of + timedelta(days=1), chosen_models(spec))


def test_contenders__what_is_live_competes_under_its_own_name_if_it_is_one_of_them(
    warm_home, small, first_run
):
    choices, live = next_day(small)

    assert live == first_run.gate.winner
    assert list(choices) == list(first_run.models)


def test_contenders__what_is_live_competes_by_its_recipe_if_it_is_not(warm_home, small):
    choices, live = with_live(small, kind="wals", parameters={"n_factors": 3})

    assert live == "live_wals"
    assert choices["live_wals"].parameters == {"n_factors": 3}


def test_contenders__a_recipe_of_another_version_is_no_reason_to_stop(warm_home, small, first_run):
    for recipe in ({"kind": "long_gone"}, {"kind": "wals", "parameters": {"renamed": 1}}):
        choices, live = with_live(small, **recipe)

        assert live is None
        assert list(choices) == list(first_run.models)


def test_contenders__a_repeated_day_is_not_held_against_itself(warm_home, small, first_run):
    spec = DatasetSpec.load(small().dataset)
    choices, live = contenders(spec.name, latest("small").as_of, chosen_models(spec))

    assert live is None
    assert list(choices) == list(first_run.models)
