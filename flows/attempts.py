"""One broken model does not cost the night: it is left out and named, and the run goes on with the rest."""

import errno
from collections.abc import Callable, Iterable
from typing import ParamSpec, TypeVar

from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from data_contracts.dataset_sections import ModelSection
from data_contracts.errors import ClusterError, ConfigurationError, ShelftalkerError
from data_contracts.run_summary import LeftOutModel
from flows.run_events import emit_left_out
from tasks.evaluation.task import EvaluatedModel

P = ParamSpec("P")
T = TypeVar("T")


class Attempts:
    """Runs the steps of single models, and remembers the models that had to be left out.

    Parameters
    ----------
    dataset
        Name of the dataset, for the event that each of them is.
    lacking
        Models that were left out before anything was tried.

    """

    def __init__(self, dataset: str, lacking: Iterable[LeftOutModel] = ()) -> None:
        self.dataset = dataset
        self.left_out = list(lacking)

    def one(self, name: str, stage: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Do one step of one model: ``work(*args)``; None where it failed and the model is left out.

        Raises
        ------
        ConfigurationError
            As it comes: the dataset file is wrong, and no other model mends that.
        ClusterError
            As it comes: the same run goes on when the cluster is there again.
        OSError
            If the disk is full: nothing else could be written either.

        """
        try:
            return work(*args, **kwargs)
        except (ConfigurationError, ClusterError):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
            said = str(error).splitlines() or [""]
            reason = f"{type(error).__name__}: {said[0]}".rstrip(": ")
            self.left_out.append(LeftOutModel(name=name, stage=stage, reason=reason))
            emit_left_out(self.dataset, self.left_out[-1])
            if FlowRunContext.get() is not None:
                get_run_logger().warning("model %s is left out; its %s failed: %s", name, stage, reason)
            return None

    def each(self, names: Iterable[str], stage: str, work: Callable[[str], T]) -> dict[str, T]:
        """Do one step of several models; those that failed are missing in the answer."""
        done = {name: self.one(name, stage, work, name) for name in names}
        return {name: result for name, result in done.items() if result is not None}

    def still_there(self, models: Iterable[EvaluatedModel]) -> tuple[EvaluatedModel, ...]:
        """Models that may still win.

        Raises
        ------
        ShelftalkerError
            If no baseline is among them; with what became of the others.

        """
        out = {each.name for each in self.left_out}
        left = tuple(each for each in models if each.name not in out)
        if not any(each.model.section.baseline for each in left):
            raise ShelftalkerError(f"no baseline is left to compare with or to publish; {self.in_words()}")
        return left

    def cold_start(self, wanted: str, trained: Iterable[str], sections: dict[str, ModelSection]) -> str:
        """Name of the model whose list unknown users get: the one wanted, or a baseline in its place.

        Raises
        ------
        ShelftalkerError
            If no baseline was trained.

        """
        there = list(trained)
        if wanted in there:
            return wanted
        baselines = [name for name in there if sections[name].baseline]
        if not baselines:
            raise ShelftalkerError(f"no baseline could be trained; {self.in_words()}")
        return baselines[0]

    def in_words(self) -> str:
        """What was left out, and why."""
        return "; ".join(f"{each.name}: {each.stage} failed ({each.reason})" for each in self.left_out)
