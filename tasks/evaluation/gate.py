"""Choose the winner and decide whether it may be published; the verdict and its reasons are an artifact."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data_contracts.dataset_sections import EvaluationSection
from data_contracts.evaluation import GateDecision, Scenario
from data_contracts.gate_section import GateSection
from tasks.evaluation.custom_rules import apply_rules
from tasks.evaluation.model_selection import (
    Criterion,
    Fitness,
    Limits,
    SelectedModel,
    choose,
    judge,
)
from tasks.evaluation.task import EvaluatedModel, load_evaluation
from tasks.models import load_spec
from tasks.runtime import store
from tasks.runtime.files import read_json, write_json
from tasks.runtime.step import step
from tasks.validation.table_facts import not_finite

DECISION = "decision.json"


class Verdict(BaseModel):
    """What the gate decided, and what the winner was measured against."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    decision: GateDecision
    """Every rule with value, limit and verdict."""
    best_baseline: str
    """The baseline with the highest mean."""
    differences: dict[str, dict[str, float]]
    """For every candidate, its mean minus the best baseline's, with the 95 % interval."""
    metric: str
    """What decided."""
    scenario: Scenario
    """Where it decided."""


@step("decide")
def gate(
    out: Path,
    models: tuple[EvaluatedModel, ...],
    vocabulary: store.ArtifactRef,
    evaluation: EvaluationSection,
    gate: GateSection,
    live: str | None,
    seed: int,
) -> store.Facts:
    """Write the verdict on this run's models.

    `live` names the model that holds what is published now, trained on the same window and scored on the
    same hold-out as the others; None where nothing is live.
    """
    results = {each.name: load_evaluation(each.evaluation) for each in models}
    trained = {each.name: each.model for each in models}
    criterion = Criterion(
        metric=evaluation.metric,
        scenario=evaluation.decides,
        seed=seed,
        n_samples=evaluation.bootstrap_samples,
    )
    chosen = choose(
        results,
        criterion,
        baselines=[name for name, model in trained.items() if model.section.baseline],
        candidates=[name for name, model in trained.items() if not model.section.baseline],
    )
    decision = judge(
        chosen,
        results,
        criterion,
        fitness=_fitness(trained[chosen.winner].artifact, vocabulary),
        live=results[live] if live else None,
        limits=_limits(gate, results[live].summary[criterion.scenario] if live else {}, evaluation.metric),
        same_for_all=[name for name, model in trained.items() if not load_spec(model.kind).personal],
        custom_rules=apply_rules(gate.rules, chosen, results, criterion, results[live] if live else None),
    )
    verdict = _verdict(decision, chosen, criterion)
    write_json(out / DECISION, verdict.model_dump(mode="json"))
    return {"open": decision.open, "winner": decision.winner}


def load_verdict(artifact: store.ArtifactRef) -> Verdict:
    """Read what :func:`gate` wrote."""
    return Verdict.model_validate(read_json(artifact.folder / DECISION))


def _verdict(decision: GateDecision, chosen: SelectedModel, criterion: Criterion) -> Verdict:
    return Verdict(
        decision=decision,
        best_baseline=chosen.best_baseline,
        differences={name: interval.to_json() for name, interval in chosen.differences.items()},
        metric=criterion.metric,
        scenario=criterion.scenario,
    )


def _limits(gate: GateSection, live: dict[str, dict[str, float]], metric: str) -> Limits:
    # The dataset states the margin as a share of what is live; the rule compares differences.
    live_value = live.get(metric, {}).get("value", 0.0)
    return Limits(
        margin_live=gate.margin_live * live_value,
        min_coverage=gate.min_coverage,
        max_identical_share=gate.max_identical_share,
    )


def _fitness(model: store.ArtifactRef, vocabulary: store.ArtifactRef) -> Fitness:
    names = ("users_sha256", "items_sha256")
    return Fitness(
        not_finite=not_finite(model.folder),
        model_vocabulary=" ".join(model.facts[name] for name in names),
        expected_vocabulary=" ".join(vocabulary.facts[name] for name in names),
    )
