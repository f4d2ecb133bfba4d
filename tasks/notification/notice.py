"""What is said of a run, and how each kind of receiver wants it. Pure: values in, JSON or a mail out."""

import re
from datetime import date
from email.message import EmailMessage
from typing import Any

from pydantic import BaseModel, ConfigDict

from data_contracts.evaluation import Interval
from data_contracts.notify_section import Ending

CARD = "application/vnd.microsoft.card.adaptive"


class Notice(BaseModel):
    """How a run ended; what a ``webhook`` gets as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    event: Ending
    """How it ended."""
    dataset: str
    """Name of the dataset."""
    as_of: date | None
    """Day of the run; null where that is not known, or the log has no times."""
    text: str
    """All of it in one sentence."""
    run_id: str | None = None
    """Name of the run; null where it failed."""
    verdict: str | None = None
    """Of the gate."""
    winner: str | None = None
    """Name of the model that won."""
    metric: str | None = None
    """Name of the metric that decides."""
    value: Interval | None = None
    """That metric of the winner, with its interval."""
    report: str | None = None
    """Address of the report."""
    dates: dict[str, str] | None = None
    """What became of each date of a backfill; null for a run of its own."""

    @property
    def subject(self) -> str:
        """What it is about, in a few words."""
        day = "" if self.as_of is None else f" as of {self.as_of}"
        if self.dates is not None:
            day = " backfill"
        return f"Shelftalker: {self.dataset}{day} {self.event}"

    @property
    def lines(self) -> list[str]:
        """Subject, sentence and the way to the report."""
        return [self.subject, self.text, *([f"Report: {self.report}"] if self.report else [])]


def for_slack(notice: Notice) -> dict[str, Any]:
    """Body for an incoming webhook of Slack."""
    text = "\n".join(notice.lines)
    for letter, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, name)
    return {"text": text}


def for_teams(notice: Notice) -> dict[str, Any]:
    """Body for a workflow of Teams: a message with one adaptive card."""
    blocks = [
        {"type": "TextBlock", "text": re.sub(r"([\\`*_\[\]])", r"\\\1", line), "wrap": True}
        for line in notice.lines
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def for_webhook(notice: Notice) -> dict[str, Any]:
    """All that is known, for a program."""
    return notice.model_dump(mode="json")


BODIES = {"slack": for_slack, "teams": for_teams, "webhook": for_webhook}
"""Bodies by kind of receiver, of those that take JSON."""


def mail(notice: Notice, sender: str, receivers: list[str]) -> EmailMessage:
    """The notice as a mail."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = notice.subject, sender, ", ".join(receivers)
    message.set_content("\n\n".join(notice.lines) + "\n")
    return message
