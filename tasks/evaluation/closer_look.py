"""The winner's lists for the hold-out, looked at more closely: by category, how varied they are, what scores are worth.

Nothing here decides anything. It costs one ranking of a sample of the users, whatever their number.
"""

from pathlib import Path
from typing import Final

import numpy as np

from data_contracts.closer_look import CloserLook
from data_contracts.column_sections import ItemAttributes
from data_contracts.dataset_sections import EvaluationSection
from data_contracts.holdout import Holdout
from data_contracts.interactions import Csr, Labels
from data_contracts.metrics import METRICS, parse_metric
from data_contracts.published_files import ITEMS_FILE
from tasks.evaluation.list_evidence import DecidingLists, by_category, by_score, diversity
from tasks.evaluation.lists import Subject, lists_around, rank_known
from tasks.evaluation.task import subject_of
from tasks.models import Need
from tasks.numeric.scenarios import TopLists
from tasks.numeric.slices import restrict, sample_users
from tasks.preparation.grouping import load_grouped
from tasks.preparation.holdout import load_holdout
from tasks.preparation.item_features import read_labels
from tasks.preparation.mapping import load_vocabularies
from tasks.preparation.prepared_events import PreparedEvents
from tasks.rules.applied import RankedLists
from tasks.rules.task import load_item_rules
from tasks.runtime import store
from tasks.runtime.files import read_json, write_json
from tasks.runtime.step import step
from tasks.training.trained_model import TrainedModel, model_code

FILE = "closer_look.json"
N_USERS: Final = 20_000
"""Held-out users who are looked at: with so many, shares are within a hundredth."""


@step("look closer at {model.name}", code=model_code("model"))
def look_closer(
    out: Path,
    model: TrainedModel,
    cold_start: store.ArtifactRef,
    holdout: store.ArtifactRef,
    data: PreparedEvents,
    evaluation: EvaluationSection,
    attributes: ItemAttributes,
    seed: int,
    ruled: store.ArtifactRef | None = None,
) -> store.Facts:
    """Write :data:`FILE`, a :class:`CloserLook`; arguments as of :func:`tasks.evaluation.task.evaluate`."""
    grouped, truth = load_grouped(data.matrix, {Need.TIMES}), load_holdout(holdout)
    known = data.seen(grouped.by_user)
    subject = subject_of(model, cold_start, holdout, grouped, known, load_item_rules(ruled))
    sample = sample_users(truth, N_USERS, seed)
    lists = _lists_of(subject, sample, known.by_row, evaluation)
    labels = _labels(data, attributes)
    metric = _metric(evaluation)
    found = CloserLook(
        model=model.name,
        scenario=evaluation.decides,
        metric=metric,
        k=evaluation.list_k,
        n_users=sample.n_rows,
        categories_of=None if labels is None else labels[0],
        categories=() if labels is None else by_category(lists, labels[1], metric, seed),
        diversity=diversity(lists, labels, grouped.by_user),
        scores=by_score(lists),
    )
    write_json(out / FILE, found.to_json())
    return {"name": model.name}


def load_closer_look(artifact: store.ArtifactRef) -> CloserLook:
    """Read what :func:`look_closer` wrote."""
    return CloserLook.model_validate(read_json(artifact.folder / FILE))


def _lists_of(subject: Subject, truth: Holdout, seen: Csr, evaluation: EvaluationSection) -> DecidingLists:
    k, left_out = evaluation.list_k, seen if evaluation.decides == "discovery" else None
    ranked = rank_known(subject, truth, k, left_out)
    ranked = RankedLists(ranked.items[:, :k], ranked.scores[:, :k], ranked.whole)
    top = lists_around(ranked, subject, truth, k, left_out)
    scores = np.full(top.rows.shape, -np.inf, np.float32)
    scores[truth.user_codes >= 0] = ranked.scores
    if left_out is None:
        return DecidingLists(top, truth, scores)
    rest, kept = restrict(truth, seen)
    return DecidingLists(TopLists(top.rows[kept], top.cold_start), rest, scores[kept])


def _labels(data: PreparedEvents, attributes: ItemAttributes) -> tuple[str, Labels] | None:
    """Name and labels of the first column of labels of which items of the run have some; None without one."""
    _, items = load_vocabularies(data.vocabularies)
    for name, separator in attributes.separators().items():
        labels = read_labels(data.events.folder / ITEMS_FILE, items, name, separator)
        if labels.by_item.nnz:
            return name, labels
    return None


def _metric(evaluation: EvaluationSection) -> str:
    """The deciding metric where items can be taken out of its truth, else ndcg."""
    if parse_metric(evaluation.metric).metric.reads in {"lists", "baskets"}:
        return evaluation.metric
    return METRICS["ndcg"].written(evaluation.list_k)
