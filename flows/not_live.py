"""What a run says whose publication is whole and does not become the live one."""

import shlex
from pathlib import Path

from data_contracts.run_summary import RunSummary
from tasks.publication.registry import latest


def not_live(summary: RunSummary, home: Path | None) -> str:
    """Say which publication keeps a run from being live, and the command that makes the run live.

    Parameters
    ----------
    summary
        Of the run.
    home
        The home, where the command has to name it.

    """
    live = latest(summary.dataset)
    what = f"that of {live.as_of} (run {live.run}), a later day," if live else "another one"
    command = f"shelftalker rollback --dataset {summary.dataset} --to {summary.run_id}"
    command += f" --home {shlex.quote(str(home))}" if home else ""
    return f"NOT LIVE: {what} stays live; if its day is wrong, make this one live with: {command}"
