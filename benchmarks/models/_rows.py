"""What a case gives: figures, each with what others published."""

from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict


class Row(BaseModel):
    """One figure of one model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    metric: str
    value: float
    low: float | None = None
    """Of the 95 % interval over users or baskets, where one was made."""
    high: float | None = None
    published: float | None = None
    """The figure to be compared with."""
    published_by: str = ""
    """Who published it, or which peer was run beside it."""
    seconds: float | None = None
    """Of the training."""
    note: str = ""


class Case(Protocol):
    """What a module of this folder offers."""

    __name__: str
    TITLE: str

    def measure(self, data: Path, seed: int) -> list[Row]:
        """Train and score on files of the folder `data`, or on what the case makes itself."""
        ...
