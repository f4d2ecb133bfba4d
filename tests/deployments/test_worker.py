"""A container's worker recovers and deploys before it becomes the worker."""

from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner

from deployments import worker
from deployments.stack import POOL, worker_name


@pytest.mark.parametrize(("codes", "n_done"), [((0, 0), 3), ((2, 0), 1), ((0, 1), 2)])
def test_worker__begins_only_after_all_else_went_well(monkeypatch, codes, n_done):
    done, left = [], list(codes)

    def run(command, check):
        done.append(command[1:])
        return CompletedProcess(command, left.pop(0))

    monkeypatch.setattr(worker.subprocess, "run", run)
    monkeypatch.setattr(worker.os, "execv", lambda program, command: done.append(command[1:]))
    result = CliRunner().invoke(worker.main, ["--with-healthcheck"])

    begun = ["-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", worker_name()]
    steps = [["-m", "deployments.recover"], ["-m", "deployments.apply"], [*begun, "--with-healthcheck"]]
    assert done == steps[:n_done]
    assert result.exit_code == max(codes)
