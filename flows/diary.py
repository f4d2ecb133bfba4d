"""A flow run's log as a story: one line per step, warnings for what a person should see, and how it ended."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from data_contracts.run_summary import RunSummary
from tasks.report.headline import headline, title
from tasks.report.text import broken_rules, figure
from tasks.runtime.progress import Listener, listener, listening

P = ParamSpec("P")
R = TypeVar("R")

WORDS = {
    "rows_read": "rows read",
    "rows_accepted": "accepted",
    "rows_rejected": "rejected",
    "n_users": "users",
    "n_items": "items",
    "nnz": "pairs",
    "n_baskets": "baskets",
    "events": "events",
    "prediction_rows": "rows of lists",
    "users": "users",
    "items": "items",
}
"""Facts of a step that are told, in this order, and how each is called."""


class Diary:
    """Writes a line to the run's log for each finished step, and passes on what it hears."""

    def __init__(self, logger: Any, heard_before: Listener) -> None:
        self.logger = logger
        self.heard_before = heard_before
        self.warned: set[str] = set()

    def started(self, step: str) -> None:
        """Pass it on."""
        self.heard_before.started(step)

    def advanced(self, step: str, done: int, total: int, figures: dict[str, float]) -> None:
        """Pass it on: how far a step is would fill the log."""
        self.heard_before.advanced(step, done, total, figures)

    def finished(self, step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> None:
        """Write the step's line, and each warning once."""
        self.logger.info("%s", step_line(step, seconds, reused=reused, facts=facts))
        self.warn(facts.get("warnings", ()))
        self.heard_before.finished(step, seconds, reused=reused, facts=facts)

    def warn(self, warnings: Iterable[str]) -> None:
        """Write what was not warned of before."""
        for warning in warnings:
            if warning not in self.warned:
                self.warned.add(warning)
                self.logger.warning("%s", warning)


def step_line(step: str, seconds: float, *, reused: bool, facts: dict[str, Any]) -> str:
    """One step in one line: what it is, what came of it, and the time that it took."""
    told = [f"{facts[name]:,} {word}" for name, word in WORDS.items() if isinstance(facts.get(name), int)]
    if "verdict" in facts:
        told.append(f"gate {facts['verdict']}, best is {facts['winner']}")
    took = "reused" if reused else f"{seconds:.1f} s"
    return f"{step}: {', '.join([*dict.fromkeys(told), took])}"


def in_the_log(run: Callable[P, R]) -> Callable[P, R]:
    """Let every step inside a flow write to the log of its run."""

    @wraps(run)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        if FlowRunContext.get() is None:
            return run(*args, **kwargs)
        with listening(Diary(get_run_logger(), listener())):
            return run(*args, **kwargs)

    return told


def close(summary: RunSummary) -> None:
    """Write how a run ended, after a warning for each rule that asks for a look; outside a flow run, nothing.

    The run is named by it, too: lists of runs show names, and messages nowhere.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    logger, began_as = get_run_logger(), context.flow_run.name.partition(": ")[0]
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=f"{began_as}: {title(summary)}")
    except (HTTPError, PrefectException) as error:
        logger.warning("this run could not be named by how it ended: %s", error)
    for level in ("fail", "evidence", "warn"):
        for rule in broken_rules(summary.gate, level):
            logger.warning(
                "%s is %s, limit %s: %s", rule.name, figure(rule.value), figure(rule.limit), rule.meaning
            )
    if summary.live is False:
        logger.warning("published, but a publication of a later day stays live")
    logger.info("%s", headline(summary))
