"""Prefect's temporary server as a process that ends with the command that started it, however that ends.

The command holds the other end of this process's stdin; when it is killed, the kernel closes it.
"""

import os
import signal
import sys
import threading
import time

GRACE_SECONDS = 5.0


def end_with_parent() -> None:
    """Wait until stdin is closed, then end this process."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def main() -> None:
    """Run uvicorn with the arguments that were given."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    import uvicorn

    uvicorn.main()


if __name__ == "__main__":
    main()
