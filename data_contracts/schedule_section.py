"""The ``[schedule]`` section of a dataset file: when `make serve` runs a dataset by itself."""

from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from data_contracts.column_sections import Section

CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
DEFAULT_AT = "03:15"

Clock = Annotated[str, Field(pattern=CLOCK)]
"""Time of day, such as ``03:15``."""


class ScheduleSection(Section):
    """``[schedule]``: when a dataset of the home's folder ``datasets`` runs every night, if it is served."""

    at: Clock | None = None
    """Time of day, such as ``03:15``; that of ``make serve AT=...`` if absent, else 03:15."""
    timezone: str | None = None
    """IANA name of the clock that `at` is read from; that of ``[source]`` if absent."""

    @model_validator(mode="after")
    def _is_a_clock(self) -> Self:
        if self.timezone is not None and self.timezone not in available_timezones() - {
            "localtime",
            "posixrules",
            "Factory",
        }:
            raise ValueError(f"timezone {self.timezone!r} is not known; write one such as 'Europe/Berlin'")
        return self
