"""What only one machine can do so far is refused before anything is read."""

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError


def check_lists(spec: DatasetSpec) -> None:
    """Refuse a dataset whose lists need what workers do not have when they score and list where the users lie.

    Raises
    ------
    ConfigurationError
        Naming the keys, why, and what to do.

    """
    told = {
        'split = "file" under [window]': spec.window.split == "file" and "is a second log",
        "[rules]": spec.rules is not None and "are not applied to lists of a cluster yet",
    }
    if refused := [f"{key} {why}" for key, why in told.items() if why]:
        raise ConfigurationError(
            f"`shelftalker cluster` cannot do what dataset {spec.name!r} ({spec.file}) asks for: {'; '.join(refused)}. "
            "Leave it out, or run: shelftalker run --engine dask"
        )
