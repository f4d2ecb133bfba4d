"""Would a model fit? Asked before its training begins, by an estimate from the size of the log."""

import os
from pathlib import Path
from typing import Final

from data_contracts.dataset_sections import LimitsSection
from data_contracts.errors import LimitError
from tasks import models
from tasks.models import ModelConfig, Sizes

GB: Final = 1e9
OF_THE_MACHINE: Final = 0.9
"""Share of the memory that a model may take where the dataset file says nothing."""

_CGROUP = Path("/sys/fs/cgroup/memory.max")


def check_limits(name: str, kind: str, config: ModelConfig, sizes: Sizes, limits: LimitsSection) -> None:
    """Refuse a training that would take too long or too much memory.

    Parameters
    ----------
    name, kind, config
        The model.
    sizes
        Of what it would be trained on.
    limits
        What it may take.

    Raises
    ------
    LimitError
        Naming the model, the estimate, the limit and what to do.

    """
    cost = models.load_spec(kind).cost
    if cost is None:
        return
    expected = cost(config, sizes)
    log = f"{sizes.n_entries:,} pairs of {sizes.n_users:,} users and {sizes.n_items:,} items"
    if limits.minutes is not None and expected.seconds > 60 * limits.minutes:
        raise LimitError(
            f"training {name} on {log} would take some {expected.seconds / 60:.3g} minutes; [limits] allows "
            f"{limits.minutes:g}: raise minutes there, or give [models.{name}] fewer factors or iterations"
        )
    allowed = allowed_memory_gb(limits)
    if expected.memory_bytes > allowed * GB:
        whose = "nine tenths of this machine's memory are" if limits.memory_gb is None else "[limits] allows"
        raise LimitError(
            f"training {name} on {log} would hold some {expected.memory_bytes / GB:.3g} GB; {whose} {allowed:.3g}: "
            f"give [models.{name}] fewer factors, use a machine with more memory, or raise memory_gb under [limits]"
        )


def allowed_memory_gb(limits: LimitsSection) -> float:
    """What a model may hold, in GB: by the dataset file, else by the machine."""
    return machine_memory() * OF_THE_MACHINE / GB if limits.memory_gb is None else limits.memory_gb


def machine_memory() -> float:
    """Bytes that this process may use: the machine's, or those of its container."""
    whole = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    try:
        return min(whole, float(_CGROUP.read_text("ascii")))
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return whole
