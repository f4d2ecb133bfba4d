"""`python -m deployments.healthy URL`: end with 0 if a process answers there that it is well; for healthchecks of containers.

Images have no curl, and this imports next to nothing.
"""

import sys
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

TIMEOUT_SECONDS = 5.0


def problem(url: str) -> str | None:
    """What is wrong at an address; None if it answers with success."""
    try:
        # Never by a proxy: it is this machine that is asked.
        with build_opener(ProxyHandler({})).open(url, timeout=TIMEOUT_SECONDS):
            return None
    except (OSError, HTTPException, ValueError) as error:
        return f"{url}: {error}"


def main() -> None:
    """Ask, and say what is wrong on stderr."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m deployments.healthy URL")
    sys.exit(problem(sys.argv[1]))


if __name__ == "__main__":
    main()
