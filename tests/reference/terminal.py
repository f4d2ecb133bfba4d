"""Commands in a terminal of some width."""

import re
import sys

import pytest

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")


def shelftalker(columns, *arguments, cwd, env, timeout=280):
    """Run the command in a terminal; gives its exit code, and what stands on the lines in the end."""
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(
        sys.executable,
        ["-c", "from flows.cli import main; main()", *map(str, arguments)],
        dimensions=(50, columns),
        cwd=str(cwd),
        env={**env, "TERM": "xterm-256color", "COLUMNS": str(columns)},
        encoding="utf-8",
        timeout=timeout,
    )
    child.expect(pexpect.EOF)
    child.close()
    text = ESCAPES.sub("", child.before)
    return child.exitstatus, [line.rpartition("\r")[2].rstrip() for line in text.split("\r\n")]
