"""Workers while nothing comes back from them: who is there, who is paused, and for how long."""

import time
from collections.abc import Mapping


class Watch:
    """What is seen of the workers while nothing comes back from them.

    Parameters
    ----------
    patience
        Seconds that may pass without a worker that runs.

    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.running: set[str] = set()
        """Addresses of those that take work."""
        self._alone_since: float | None = None
        self._paused_since: dict[str, float] = {}

    def saw(self, statuses: Mapping[str, str]) -> bool:
        """Note who is there, by address; False if nobody has taken work for longer than may pass."""
        now = time.monotonic()
        self.running = {address for address, status in statuses.items() if status == "running"}
        others = set(statuses) - self.running
        self._paused_since = {address: self._paused_since.get(address, now) for address in others}
        if self.running:
            self._alone_since = None
            return True
        self._alone_since = self._alone_since or now
        return now - self._alone_since <= self.patience

    def is_stuck(self, address: str) -> bool:
        """Whether a worker is paused for so long that it will not go on by itself."""
        since = self._paused_since.get(address)
        return since is not None and time.monotonic() - since > self.patience

    def calm(self) -> None:
        """Something came back."""
        self._alone_since = None
