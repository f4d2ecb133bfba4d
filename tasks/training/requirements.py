"""Does a log have what a model needs? Asked by the dataset file, before anything is read."""

from collections.abc import Iterable, Mapping
from typing import Final

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ConfigurationError
from data_contracts.matrix_parts import MatrixParts
from data_contracts.metrics import parse_metric
from tasks import models
from tasks.models import Capability, Need


def check_needs(name: str, section: ModelSection, spec: DatasetSpec) -> None:
    """Refuse a model that this log cannot feed.

    Parameters
    ----------
    name
        Of the model in the dataset file.
    section
        Its kind and parameters.
    spec
        The dataset.

    Raises
    ------
    ConfigurationError
        Naming the model, what it needs and what to do; or the command that installs its extra.

    """
    for kind in models.kinds_within(section.kind, section.parameters):
        models.check_installed(kind)
        for need in sorted(models.load_spec(kind).needs):
            if not _has(spec, need):
                raise ConfigurationError(
                    f"model {name!r} of kind {kind!r} needs {need.replace('_', ' ')}: "
                    f"{WHAT_TO_DO[need]}, or take [models.{name}] out"
                )


ALL: Final = "all"
"""Asked for in the place of models' names: every kind there is."""


def with_models(spec: DatasetSpec, asked: Iterable[str]) -> tuple[DatasetSpec, dict[str, str]]:
    """The dataset with the models that somebody asked for in the place of those its file names.

    Parameters
    ----------
    spec
        The dataset.
    asked
        Names of the dataset file's models, and kinds that take their defaults. ``all`` adds every kind that the file
        has no model of. Baselines and the model of unknown users stay whatever was asked for; nothing asked changes nothing.

    Returns
    -------
    The dataset, and of ``all`` the kinds that this log or this installation cannot feed, each with the reason.

    Raises
    ------
    ConfigurationError
        If a name is neither a model of the dataset file nor a kind.

    """
    wanted = list(dict.fromkeys(asked))
    if not wanted:
        return spec, {}
    kinds = models.names()
    if unknown := [each for each in wanted if each not in {ALL, *spec.models, *kinds}]:
        raise ConfigurationError(
            f"no model is called {', '.join(map(repr, unknown))}; dataset {spec.name!r} has {', '.join(spec.models)}, "
            f"and there are the kinds {', '.join(kinds)}; {ALL!r} means every one"
        )
    everything = ALL in wanted
    kept = {
        name: section
        for name, section in spec.models.items()
        if everything or section.baseline or name in {spec.evaluation.cold_start, *wanted}
    }
    there = {section.kind for section in kept.values()}
    added: dict[str, ModelSection] = {}
    lacking: dict[str, str] = {}
    for kind in kinds if everything else wanted:
        if kind in there or kind in kept:
            continue
        added[kind] = ModelSection(kind=kind)
        try:
            check_needs(kind, added[kind], spec)
        except ConfigurationError as error:
            if not everything:
                raise
            lacking[kind] = str(error)
            del added[kind]
    return spec.model_copy(update={"models": {**kept, **added}}), lacking


def check_metric(spec: DatasetSpec, choices: Mapping[str, ModelSection]) -> None:
    """Refuse a deciding metric that no baseline has: there would be nothing to beat.

    Raises
    ------
    ConfigurationError
        Naming the metric, and what to do.

    """
    if parse_metric(spec.evaluation.metric).metric.reads != "ratings":
        return
    baselines = [name for name, choice in choices.items() if choice.baseline]
    if not any(Capability.RATINGS in models.load_spec(choices[name].kind).offers for name in baselines):
        able = [name for name in models.names() if Capability.RATINGS in models.load_spec(name).offers]
        raise ConfigurationError(
            f"metric {spec.evaluation.metric!r} decides, but none of the baselines ({', '.join(baselines)}) predicts "
            f"ratings; add a baseline that does (kinds: {', '.join(able) or 'none yet'}), or let a metric of lists "
            "decide, such as ndcg@10"
        )


def matrix_parts(spec: DatasetSpec, sections: Iterable[ModelSection]) -> MatrixParts:
    """Parts of the training data to make for some models: what one of them needs or uses, and the log has."""
    wanted = frozenset[Need]().union(
        *(models.wanted(section.kind, section.parameters) for section in sections)
    )
    there = {need for need in wanted if _has(spec, need)}
    return MatrixParts(
        baskets=Need.BASKETS in there,
        ratings=Need.RATINGS in there,
        item_features=spec.item_attributes if Need.ITEM_FEATURES in there else None,
    )


WHAT_TO_DO = {
    Need.TIMES: "write time = ... under [columns]",
    Need.HISTORY: "write time = ... under [columns] and leave history = true under [grouping]",
    Need.BASKETS: "write basket = ... and time = ... under [columns]",
    Need.ITEM_FEATURES: "write title = ..., or one of attributes, labels, numbers and dates, under [columns] or [items]",
    Need.RATINGS: 'write value = ... under [columns] and kind = "rating" under [feedback]',
}


def _has(spec: DatasetSpec, need: Need) -> bool:
    columns = spec.columns
    timed = columns.time is not None
    return {
        Need.TIMES: timed,
        Need.HISTORY: timed and spec.grouping.history,
        Need.BASKETS: timed and spec.grouping.history and columns.basket is not None,
        Need.ITEM_FEATURES: bool(spec.item_attributes.kinds()) or _has_titles(spec),
        Need.RATINGS: spec.feedback.kind == "rating",
    }[need]


def _has_titles(spec: DatasetSpec) -> bool:
    return spec.columns.title is not None or (spec.items is not None and spec.items.title is not None)
