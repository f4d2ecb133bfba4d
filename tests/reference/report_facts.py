"""What a small run found and what else its report is made from, without running anything."""

from datetime import UTC, date, datetime

import numpy as np

from data_contracts.evaluation import Interval, RuleResult
from data_contracts.run_summary import RunFindings
from tasks.report.statistics import Exposure, Lists, Scores

HOSTILE = "<script>alert('x')</script><img src=https://evil.example/a.png>"

SECTIONS = ("decision", "metrics", "training", "history", "drift", "quarantine", "lineage")
LIST_SECTIONS = ("exposure", "scores", "examples")
METRIC = "basket_precision@5"
SLICES = ("history 0", "history 1-2", "history 3-10", "history >10", "cold", "warm", "head items")


def entry(value, width=0.01):
    return Interval(value, value - width, value + width)


def rule(name, value, limit, *, passed=True, meaning="what it means", level="fail"):
    return RuleResult(name=name, value=value, limit=limit, passed=passed, meaning=meaning, level=level)


def make_findings(*, is_open=True, models=("popularity", "personal", "wals"), gate=(), counts=(), **changed):
    """What a small run found; `gate`, `counts` and the rest replace parts of it."""
    return RunFindings.model_validate({**_findings(is_open, models, dict(gate), dict(counts)), **changed})


def _findings(is_open, models, gate, counts):
    scores = {name: 0.05 * (place + 1) for place, name in enumerate(models)}
    return {
        "run_id": "abc123",
        "dataset": "shop",
        "as_of": date(2026, 3, 1),
        "split": "the last 28 days are held out",
        "counts": {
            "rows_read": 1000,
            "rows_accepted": 950,
            "rows_rejected": 50,
            "anonymous": 10,
            "rejected": {"bad_price": 50, "never_seen": 0},
            "counted": {"anonymous": 10},
            "normalised": {},
            "first_event_time": "2025-01-01T00:00:00Z",
            "last_event_time": "2026-02-28T23:59:00Z",
            "files": 1,
            "described_items": 20,
            "seconds": 0.5,
            "holdout": {
                "n_users": 40,
                "n_known_users": 30,
                "n_baskets": 60,
                "n_known_baskets": 50,
                "n_items": 20,
            },
            **({"events": 900, "users": 100, "items": 20} if is_open else {}),
            **counts,
        },
        "models": {
            name: {
                "repeat": {METRIC: entry(score), "recall@5": entry(score * 2), "coverage@5": entry(0.4, 0.0)},
                "discovery": {METRIC: entry(score / 2), "recall@5": entry(score)},
                "kind": "wals",
                "parameters": {"n_factors": 8},
                "parameters_from": "dataset file",
                "seconds": {"fit": 1.5, "score": 0.5},
            }
            for name, score in scores.items()
        },
        "gate": {
            "verdict": "open" if is_open else "closed",
            "open": is_open,
            "publishes": is_open,
            "winner": models[-1],
            "metric": METRIC,
            "scenario": "repeat",
            "best_baseline": models[0],
            "differences": {models[-1]: entry(0.1)},
            "rules": [
                rule("beats_best_baseline", 0.09, 0.0),
                rule("not_worse_than_live", None, -0.02, passed=None, meaning="nothing is live yet"),
                rule(
                    "coverage", 0.4, 0.1 if is_open else 0.9, passed=is_open, meaning="share of the catalogue"
                ),
                rule("same_vocabulary", "f" * 64, "f" * 64),
            ],
            **gate,
        },
        "tuned": None,
    }


def make_lists(n_items=20, title="LAMP", item_id="i1", user_id="u1"):
    counts = np.arange(n_items, dtype=np.int64)
    day = datetime(2026, 2, 3, tzinfo=UTC)
    return Lists(
        Exposure(counts, counts[::-1].copy()),
        Scores(
            np.linspace(0, 1, 5), np.array([1, 2, 3, 4]), np.sort(np.random.default_rng(0).random((10, 5)), 1)
        ),
        [
            {
                "user_id": user_id,
                "n": 3,
                "past": [{"item_id": item_id, "title": title, "times": 2, "last": day}],
                "list": [
                    {
                        "rank": 1,
                        "item_id": item_id,
                        "title": title,
                        "score": 0.5,
                        "model": "wals",
                        "times": 2,
                    },
                    {"rank": 2, "item_id": "i2", "title": None, "score": 0.4, "model": "wals", "times": None},
                ],
            }
        ],
    )


def make_content(findings=None, **changed):
    """Arguments of ``page_content``."""
    findings = findings or make_findings()
    slices = {name: {METRIC: entry(0.1)} for name in SLICES}
    return {
        "findings": findings,
        "curves": {
            "wals": [{"objective": 9.0}, {"objective": 5.0}],
            "als": [{"seconds": 1.0}],
            "popularity": [],
        },
        "slices": dict.fromkeys(findings.models, slices),
        "lists": make_lists() if findings.gate.open else None,
        "earlier": [],
        "lineage": [{"name": "train wals", "step": "train", "key": "c0ffee", "seconds": 1.25}],
        "packages": {"numpy": "2.4.6"},
        **changed,
    }
