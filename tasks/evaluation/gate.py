"""Choose the winner and decide whether it may be published; the verdict and its reasons are an artifact."""

from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from data_contracts.dataset_sections import EvaluationSection
from data_contracts.evaluation import Evaluation, GateDecision, Scenario
from data_contracts.gate_section import GateSection
from tasks.evaluation.custom_rules import apply_rules
from tasks.evaluation.evidence import EvidenceLimits, evidence_rules
from tasks.evaluation.judgement import Fitness, Limits, judge
from tasks.evaluation.model_selection import Criterion, SelectedModel, choose, mean_of
from tasks.evaluation.task import EvaluatedModel, load_evaluation
from tasks.models import load_spec
from tasks.runtime import store
from tasks.runtime.files import read_json, write_json
from tasks.runtime.step import step
from tasks.validation.table_facts import not_finite

DECISION = "decision.json"

NOTHING_LIVE = "nothing is live yet"
GONE = "what is live could not be trained again: this version lacks its model, or it was left out of this run"


class Verdict(BaseModel):
    """What the gate decided, and what the winner was measured against."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    decision: GateDecision
    """Every rule with value, limit and verdict."""
    best_baseline: str
    """The baseline with the best mean."""
    differences: dict[str, dict[str, float]]
    """For every candidate its gain over the best baseline, with the 95 % interval; positive is better, also for a
    metric of which less is."""
    metric: str
    """What decided."""
    scenario: Scenario
    """Where it decided."""


class Standing(BaseModel):
    """What a run knows before it decides: what is live, and how old its log is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    live: str | None = None
    """The model that stands for what is live, trained on the same window and scored on the same hold-out as
    the others; None where nothing is live, or its kind or parameters are gone."""
    anything_live: bool = False
    """Whether anything is live at all."""
    age_days: float | None = None
    """Days from the newest event to the run's day; None where the log has no times."""


@step("decide")
def gate(
    out: Path,
    models: tuple[EvaluatedModel, ...],
    vocabulary: store.ArtifactRef,
    evaluation: EvaluationSection,
    gate: GateSection,
    standing: Standing,
    seed: int,
) -> store.Facts:
    """Write the verdict on this run's models; with too little evidence the fallback stands in for the winner."""
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
    evidence = evidence_rules(
        results, chosen, criterion, age_days=standing.age_days, limits=_evidence_limits(gate)
    )
    if any(rule.broken for rule in evidence):
        # The fallback itself may have been left out of this run.
        wanted = gate.fallback or evaluation.cold_start
        chosen = replace(chosen, winner=wanted if wanted in results else chosen.best_baseline)
    live = results.get(standing.live or "")
    decision = judge(
        chosen,
        results,
        criterion,
        fitness=_fitness(trained[chosen.winner].artifact, vocabulary),
        live=live,
        limits=_limits(gate, live, criterion),
        same_for_all=[name for name, model in trained.items() if not load_spec(model.kind).personal],
        evidence=evidence,
        custom_rules=apply_rules(gate.rules, chosen, results, criterion, live),
        list_k=evaluation.list_k,
        without_live=GONE if standing.anything_live else NOTHING_LIVE,
        publish_undecided=gate.undecided == "publish_baseline" and not standing.anything_live,
    )
    verdict = _verdict(decision, chosen, criterion)
    write_json(out / DECISION, verdict.model_dump(mode="json"))
    return {"verdict": decision.verdict, "winner": decision.winner}


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


def _limits(gate: GateSection, live: Evaluation | None, criterion: Criterion) -> Limits:
    # The dataset states the margin as a share of what is live; the rule compares gains.
    known = live is not None and live.has_units(criterion.scenario, criterion.metric)
    live_value = mean_of(live, criterion) if live is not None and known else 0.0
    return Limits(
        margin_live=gate.margin_live * live_value,
        min_coverage=gate.min_coverage,
        max_identical_share=gate.max_identical_share,
        max_short_lists=gate.max_short_lists,
    )


def _evidence_limits(gate: GateSection) -> EvidenceLimits:
    names = {"min_known_users", "min_known_baskets", "max_interval_width", "max_age_days"}
    return EvidenceLimits(**gate.model_dump(include=names))


def _fitness(model: store.ArtifactRef, vocabulary: store.ArtifactRef) -> Fitness:
    names = ("users_sha256", "items_sha256")
    return Fitness(
        not_finite=not_finite(model.folder),
        model_vocabulary=" ".join(model.facts[name] for name in names),
        expected_vocabulary=" ".join(vocabulary.facts[name] for name in names),
    )
