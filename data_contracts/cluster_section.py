"""The ``[cluster]`` section of a dataset file: which engine does the work, and where."""

from typing import Any, Literal

from pydantic import Field

from data_contracts.column_sections import Section
from data_contracts.grouped_blocks import MAX_BLOCKS

ADDRESS = r"^(?:(?:tcp|tls|ucx|ws|wss)://)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$"
"""Of a Dask scheduler."""
VARIABLE = "DASK_SCHEDULER_ADDRESS"
"""Environment variable that holds the address where neither parameter nor dataset file does."""


class ClusterSection(Section):
    """``[cluster]``: one machine, or the workers of a Dask cluster that all see the home and the log."""

    engine: Literal["local", "dask"] = "local"
    """``local``: DuckDB and the kernels of this machine. ``dask``: workers, found at `scheduler`."""
    scheduler: str | None = Field(default=None, pattern=ADDRESS)
    """Such as ``tcp://scheduler:8786``; else $DASK_SCHEDULER_ADDRESS; without either, workers are started here and
    ended with the run."""
    workers: int = Field(default=2, ge=1, le=1024)
    """Processes that are started here, each with one thread, where there is no scheduler. Of somebody else's cluster a step
    begins as soon as one worker is there."""
    memory_gb: float | None = Field(default=None, gt=0, le=4096, allow_inf_nan=False)
    """Of each process that is started here; its share of the machine if absent."""
    blocks: int | None = Field(default=None, ge=1, le=MAX_BLOCKS)
    """Blocks that users are divided into, by their ids: each is read, sorted and trained on as a whole, so that it must
    fit into half the memory of a worker. If absent, one for every 1.25 million accepted rows, at least 4."""
    timeout_seconds: float = Field(default=60.0, gt=0, le=3600, allow_inf_nan=False)
    """How long a scheduler or a worker is waited for."""

    def cache_identity(self) -> dict[str, Any]:
        """What decides the content of files: neither where the work is done nor by how many."""
        return {"blocks": self.blocks}
