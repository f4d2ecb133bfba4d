"""Optional dependency groups: what is missing of one, and the command that installs it."""

import importlib.util
from collections.abc import Iterable

from data_contracts.errors import ConfigurationError


def missing_of(modules: Iterable[str]) -> list[str]:
    """Modules that are not installed."""
    return [each for each in modules if importlib.util.find_spec(each) is None]


def must_be_installed(who: str, modules: Iterable[str], extra: str) -> None:
    """Refuse what needs an extra that is not installed.

    Parameters
    ----------
    who
        What needs it, to begin the error with: ``"model 'lstm'"``.
    modules
        Modules that the extra brings.
    extra
        Its name in ``pyproject.toml``.

    Raises
    ------
    ConfigurationError
        With the command that installs it.

    """
    if missing := missing_of(modules):
        raise ConfigurationError(
            f"{who} needs {', '.join(missing)}, which is not installed: "
            f"pip install --constraint constraints.txt --editable '.[{extra}]'"
        )
