"""A server in its own process, and load on it by wrk."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

SHELFTALKER: Final = ("-c", "from flows.cli import main; main()")
CONNECTIONS: Final = 20


def load(
    port: int, script: str, seconds: int, *, rate: int | None = None, connections: int | None = None
) -> dict[str, float]:
    """What wrk reports; with `rate` each connection waits between its requests."""
    lines = [script]
    if rate is not None:
        connections = CONNECTIONS
        lines.append(f"delay = function() return {1000 * connections / rate:.0f} end")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(lines))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections or 8}", f"-d{seconds}s", "--latency", "-s", file.name]
        text = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
        ).stdout
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return {
        "per_second": _number(text, r"Requests/sec:\s+([\d.]+)"),
        **{f"p{share}_ms": _milliseconds(text, share) for share in (50, 99)},
        "failed": int(failed[1]) if failed else 0,
        "broken": sum(map(int, broken.groups())) if broken else 0,
    }


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found is not None, text
    return float(found[1])


def _milliseconds(text: str, share: int) -> float:
    found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)\n", text)
    assert found is not None, text
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


@contextmanager
def serving(
    command: list[str], port: int, ready: str = "/health/ready", cwd: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Start a server; yields how long it took to be ready, and its memory then."""
    began = time.perf_counter()
    path = os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        [sys.executable, *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=1).close()
                break
            except OSError:
                assert child.poll() is None, f"the server ended with {child.returncode}: {command}"
                time.sleep(0.02)
        took = time.perf_counter() - began
        yield {
            "seconds_to_ready": round(took, 2),
            "memory_mb": memory_mb(child.pid),
            "pid": child.pid,
            "process": child,
        }
    finally:
        child.terminate()
        child.wait()


def memory_mb(pid: int) -> dict[str, int]:
    """Memory of a process: its own, and the pages of files that it has mapped."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    kilobytes = {name: int(_number(text, rf"{name}:\s+(\d+)")) for name in ("RssAnon", "RssFile")}
    return {"own": kilobytes["RssAnon"] // 1024, "mapped": kilobytes["RssFile"] // 1024}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
