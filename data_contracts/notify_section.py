"""``[notify]`` of a dataset file: who is told how a run ended."""

from typing import Literal

from pydantic import Field, field_validator

from data_contracts.column_sections import Section
from data_contracts.database_url import VARIABLE

Ending = Literal["published", "undecided", "rejected", "failed"]
"""How a run may end."""
ALARMING: tuple[Ending, ...] = ("undecided", "rejected", "failed")


class NotifySection(Section):
    """``[notify]``, or ``[[notify]]`` once for each: one receiver, and the endings it is told of."""

    kind: Literal["slack", "teams", "webhook", "email"]
    """What receives: an incoming webhook of Slack, a workflow of Teams, any address that takes JSON, or a mail server."""
    url_env: str = Field(pattern=VARIABLE)
    """Environment variable with the address, which is a secret: ``https://...``, of e-mail
    ``smtps://USER:PASSWORD@HOST/?from=shop@example.org&to=me@example.org``."""
    on: tuple[Ending, ...] = Field(default=ALARMING, min_length=1)
    """Endings that are told. Without ``published`` a good night is silent."""

    @field_validator("on")
    @classmethod
    def _each_once(cls, given: tuple[Ending, ...]) -> tuple[Ending, ...]:
        """Refuse a repeated ending, which may stand for another."""
        if len(set(given)) < len(given):
            raise ValueError("on names an ending twice")
        return given
