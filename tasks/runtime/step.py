"""What makes a pure function a step of a run: a Prefect task around the artifact store.

Prefect's cache and the store decide with the same key. A cached reference that no longer points at a
whole folder cannot be loaded (see :class:`tasks.runtime.store.ArtifactRef`), so Prefect runs the task again.
"""

import atexit
import inspect
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec

from prefect import task
from prefect.context import TagsContext, TaskRunContext
from prefect.tasks import exponential_backoff

from data_contracts.suite_files import FOLDER, find_suite
from tasks.runtime import store
from tasks.runtime.code_hash import code_hash
from tasks.runtime.files import sha256_of
from tasks.runtime.prefect_threads import stop_event_loops
from tasks.runtime.progress import listener

P = ParamSpec("P")

RETRIES = 2
BACKOFF_SECONDS = 2.0
JITTER = 0.5


def is_worth_a_retry(_task: Any, _run: Any, state: Any) -> bool:
    """Retry what the weather may have caused; a verdict, a wrong parameter or a bug stays what it is."""
    try:
        state.result()
    except OSError as error:
        return not isinstance(error, FileNotFoundError | PermissionError)
    except Exception:  # noqa: BLE001 - whatever it is, it will be the same next time
        return False
    return False


IO_RETRIES: dict[str, Any] = {
    "retries": RETRIES,
    "retry_delay_seconds": exponential_backoff(BACKOFF_SECONDS),
    "retry_jitter_factor": JITTER,
    "retry_condition_fn": is_worth_a_retry,
}
"""How Prefect tries everything again that reads or writes."""


# Every process that runs a step comes through here, and Prefect's threads are to end with it.
atexit.register(stop_event_loops)


def untagged() -> TagsContext:
    """Keep the tags of a run off its tasks: for each tag of a task Prefect asks the server for a slot, in 0.2 to 2 s."""
    return TagsContext(current_tags=set())


_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


@contextmanager
def without_prefect() -> Iterator[None]:
    """Let steps inside the block run at once, with neither server nor retries; what they leave, runs find and reuse."""
    before = _ALONE.set(True)
    try:
        yield
    finally:
        _ALONE.reset(before)


class Step(Generic[P]):
    """A task that returns a reference to its artifact; ``write`` is the pure function underneath.

    Parameters
    ----------
    write
        Fills an empty folder from the other arguments and returns facts for the manifest.
    title
        How a run of the step reads in the Prefect UI; may name its arguments: ``"train {name}"``.
    code
        More modules whose source decides the content, given the call's arguments (a model's module).
    contracts
        Suites that judge what the step makes: a changed contract makes the step run again.

    """

    def __init__(
        self,
        write: Callable[Concatenate[Path, P], store.Facts],
        title: str,
        code: Callable[[dict[str, Any]], tuple[str, ...]] | None = None,
        contracts: tuple[str, ...] = (),
    ) -> None:
        self.write = write
        self.name = write.__name__
        self.title = title
        self._code = code or (lambda _given: ())
        self._contracts = contracts
        parameters = list(inspect.signature(write).parameters.values())[1:]
        self._signature = inspect.Signature(parameters, return_annotation=store.ArtifactRef)
        self._written: set[str] = set()
        self.task = self._make_task()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> store.ArtifactRef:
        """Run the step, or reuse what it left before."""
        began = time.perf_counter()
        ref = self._obtain(self._bind(*args, **kwargs)) if _ALONE.get() else self._as_task(*args, **kwargs)
        if ref.key in self._written:
            self._written.remove(ref.key)
        else:
            label = self.title.format(**self._bind(*args, **kwargs))
            listener().finished(label, time.perf_counter() - began, reused=True, facts=ref.facts)
        return ref

    def _as_task(self, *args: Any, **kwargs: Any) -> store.ArtifactRef:
        ref: store.ArtifactRef
        with untagged():
            try:
                ref = self.task(*args, **kwargs)
            except json.JSONDecodeError:
                # Prefect does not write its record of a step at once: another run is at it, or was killed at it.
                ref = self.task.with_options(refresh_cache=True)(*args, **kwargs)
        return ref

    def _bind(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def _source(self, given: dict[str, Any]) -> str:
        suites = [sha256_of(find_suite(name, FOLDER)) for name in self._contracts]
        return " ".join([code_hash(self.write.__module__, *self._code(given)), *suites])

    def _cache_key(self, _context: TaskRunContext, given: dict[str, Any]) -> str:
        return f"{self.name}-{store.key_of(self.name, given, self._source(given))}"

    def _obtain(self, given: dict[str, Any]) -> store.ArtifactRef:
        label = self.title.format(**given)

        def fill(folder: Path) -> store.Facts:
            began = time.perf_counter()
            listener().started(label)
            facts = self.write(folder, **given)  # type: ignore[call-arg]
            listener().finished(label, time.perf_counter() - began, reused=False, facts=facts)
            self._written.add(store.key_of(self.name, given, self._source(given)))
            return facts

        return store.obtain(self.name, given, self._source(given), fill)

    def _make_task(self) -> Any:
        def run(*args: Any, **kwargs: Any) -> store.ArtifactRef:
            return self._obtain(self._bind(*args, **kwargs))

        # Prefect reads name, text and signature to bind the arguments and to show the task.
        run.__name__ = run.__qualname__ = self.name
        run.__doc__ = self.write.__doc__
        run.__module__ = self.write.__module__
        run.__signature__ = self._signature  # type: ignore[attr-defined]
        return task(
            name=self.name.replace("_", "-"),
            task_run_name=self.title,
            cache_key_fn=self._cache_key,
            result_serializer="json",
            persist_result=True,
            **IO_RETRIES,
        )(run)


def step(
    title: str,
    *,
    code: Callable[[dict[str, Any]], tuple[str, ...]] | None = None,
    contracts: tuple[str, ...] = (),
) -> Callable[[Callable[Concatenate[Path, P], store.Facts]], Step[P]]:
    """Turn ``write(folder, ...) -> facts`` into a :class:`Step` ``(...) -> ArtifactRef``."""

    def decorate(write: Callable[Concatenate[Path, P], store.Facts]) -> Step[P]:
        return Step(write, title, code, contracts)

    return decorate
