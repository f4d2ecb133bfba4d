"""`python -m deployments.worker`: end what a crash left, deploy, and become the worker; for containers, which run one command.

Under systemd the lines of the worker's unit do the same, one after the other.
"""

import os
import subprocess
import sys

import click

from deployments.stack import worker_command
from flows.cli_common import exits

BEFORE = ("deployments.recover", "deployments.apply")
"""What is done before; the first one waits for the server."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@exits
def main(options: tuple[str, ...]) -> None:
    """Recover, deploy, and become a worker of the pool; OPTIONS go to `prefect worker start`."""
    for module in BEFORE:
        done = subprocess.run([sys.executable, "-m", module], check=False)
        if done.returncode:
            sys.exit(done.returncode)
    command = worker_command(*options)
    os.execv(command[0], command)  # noqa: S606 - no shell: this process becomes the worker, and gets its signals


if __name__ == "__main__":
    main()
