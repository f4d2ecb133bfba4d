"""The errors a user can meet, each with the exit code that the command line ends with."""

from typing import Any


class ShelftalkerError(Exception):
    """Anything we refuse on purpose; the message names the object, the value and what to do."""

    exit_code = 1


class ConfigurationError(ShelftalkerError):
    """A dataset file, a parameter or an argument is wrong (exit code 2)."""

    exit_code = 2


class UnknownItemError(ShelftalkerError):
    """A look-up asks for an item that is not in the published catalogue (exit code 2)."""

    exit_code = 2


class NotOfferedError(ConfigurationError):
    """A look-up asks for what the published model does not offer (exit code 2)."""


class ContractError(ShelftalkerError):
    """Data broke its contract (exit code 3)."""

    exit_code = 3


class SourceChangedError(ShelftalkerError):
    """A log changed while it was read; the same may work once it is written (exit code 1)."""


class GateClosedError(ShelftalkerError):
    """The evaluation does not allow a publication (exit code 4)."""

    exit_code = 4


class LimitError(ShelftalkerError):
    """A model would take more time or memory than it may (exit code 1 where nothing else is left)."""


class VocabularyMismatchError(ContractError):
    """Two objects that must share a vocabulary carry different hashes."""


class DatabaseError(ShelftalkerError, ConnectionError):
    """A database cannot be reached or is busy; the same may work in a moment (exit code 1)."""


class RemoteError(ShelftalkerError, ConnectionError):
    """An object store cannot be reached, or its files change while they are read; the same may work in a moment (exit code 1)."""


class ClusterError(ShelftalkerError):
    """Workers of a cluster cannot do what is asked of them: other versions, too little memory (exit code 1)."""


class ClusterLostError(ClusterError, ConnectionError):
    """A scheduler or its workers cannot be reached; the same may work in a moment (exit code 1)."""


class DamagedError(ShelftalkerError):
    """A file that the program keeps is not what was written (exit code 1); the message names it."""


class UnfinishedError(ShelftalkerError):
    """Some of many runs failed (exit code 1)."""

    def __init__(self, message: str, rows: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.rows = rows
        """What became of each, the others included."""
