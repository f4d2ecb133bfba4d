"""What only one machine can do so far is refused before anything is read."""

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.extras import must_be_installed


def check_dataset(spec: DatasetSpec) -> None:
    """Refuse a dataset that needs all its rows in one place.

    Raises
    ------
    ConfigurationError
        Naming the keys, why, and what to do.

    """
    must_be_installed("shelftalker cluster", ["dask", "distributed"], "cluster")
    told = {
        "max_events_quantile under [cleaning]": spec.cleaning.max_events_quantile is not None
        and "is a limit by all users together; write max_events_per_user",
        "clip_quantile under [feedback]": spec.feedback.clip_quantile is not None
        and "is taken over all events",
        'kind = "duration" under [feedback]': spec.feedback.kind == "duration"
        and "weighs by the median of all events",
        'split = "file" under [window]': spec.window.split == "file" and "is a second log",
        "[rules]": spec.rules is not None and "are not applied to lists of a cluster yet",
    }
    if refused := [f"{key} {why}" for key, why in told.items() if why]:
        raise ConfigurationError(
            f"`shelftalker cluster` cannot do what dataset {spec.name!r} ({spec.file}) asks for: {'; '.join(refused)}. Leave "
            "it out, or gather what workers make: shelftalker run --engine dask"
        )
