"""Figures of the service in Prometheus' text format."""

import os
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

from tasks.serving.run import MULTIPROCESS

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "shelftalker_requests_total", "Answered questions.", ("route", "status"), registry=REGISTRY
)
LATENCY = Histogram(
    "shelftalker_request_seconds",
    "From a question to its answer.",
    ("route",),
    registry=REGISTRY,
    buckets=SECONDS,
)
ANSWERS = Counter(
    "shelftalker_answers_total", "Lists by where they come from.", ("dataset", "source"), registry=REGISTRY
)
SWITCHES = Counter(
    "shelftalker_switches_total",
    "Publications that took the place of another one.",
    ("dataset",),
    registry=REGISTRY,
)


def exposition() -> tuple[bytes, str]:
    """All figures, of all workers, and their content type."""
    registry = REGISTRY
    if os.environ.get(MULTIPROCESS):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST
