"""Optuna studies: where they are kept, and what they know."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data_contracts.errors import ConfigurationError
from data_contracts.metrics import Direction
from tasks.models import load_spec
from tasks.sources.databases import describe_url, study_url

if TYPE_CHECKING:
    import optuna

N_STARTUP = 8
"""Trials before any is given up early: pruning too soon harms."""

N_WARMUP = 1
"""Places at the start of a trial at which it is never given up."""

ROLE, PARAMETERS = "role", "parameters"
"""What a trial says of itself: why it was tried, and all parameters of the model."""

START, SEARCHED, LARGER = "start", "search", "larger"
"""Roles: the dataset file's own parameters, asked of the sampler, the best at a larger size."""


@dataclass(frozen=True)
class Found:
    """What a study knows.

    Parameters
    ----------
    parameters
        Values of the searched parameters in the best trial.
    value
        Its value.
    start
        Value of the dataset file's own parameters; None if that trial did not finish.
    trials, pruned
        Finished trials, and how many of them were given up early.

    """

    parameters: dict[str, Any]
    value: float
    start: float | None
    trials: int
    pruned: int


def open_study(url: str, name: str, direction: Direction = "higher") -> "optuna.Study":
    """Open a study, or make it.

    Parameters
    ----------
    url
        Of SQLAlchemy: ``sqlite:///file`` or ``postgresql://{USER}:{PASSWORD}@host/database``, where what stands
        in braces is taken from the environment; or ``env:NAME``.
    name
        Of the study.
    direction
        In which direction the metric is better.

    Raises
    ------
    ConfigurationError
        If the storage cannot be reached, or a variable is not set.

    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    where = study_url(url)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        storage = optuna.storages.RDBStorage(
            where.render_as_string(hide_password=False),
            # A trial may take longer than a server keeps an idle connection.
            engine_kwargs={"poolclass": NullPool},
        )
    except (SQLAlchemyError, ImportError) as error:
        # Not chained: a driver's own traceback may repeat what it was given to connect with.
        said = str(error).replace(where.password or "\0", "***")
        raise ConfigurationError(
            f"cannot keep studies at {describe_url(where)}: {said}; write sqlite:///FILE, or "
            "postgresql://... with its driver (the extra 'postgres')"
        ) from None
    return create_study(storage, name, direction)


def create_study(
    storage: "optuna.storages.BaseStorage", name: str, direction: Direction = "higher"
) -> "optuna.Study":
    """Make a study in a storage that is open, or find it there."""
    import optuna

    pruner = optuna.pruners.MedianPruner(n_startup_trials=N_STARTUP, n_warmup_steps=N_WARMUP)
    wanted: Literal["maximize", "minimize"] = "maximize" if direction == "higher" else "minimize"
    return optuna.create_study(
        study_name=name, storage=storage, direction=wanted, pruner=pruner, load_if_exists=True
    )


def shown(url: str) -> str:
    """A storage's URL without its password."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)


def sqlite_url(folder: Path, dataset: str) -> str:
    """URL of a dataset's studies in a file of `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / dataset}.sqlite"


def found(study: "optuna.Study", kind: str) -> Found | None:
    """The best of a study; None before its first trial is complete."""
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return None
    best = study.best_trial
    start = [trial.value for trial in finished(study, START) if trial.state == TrialState.COMPLETE]
    everything = finished(study, START, SEARCHED, LARGER)
    complete = best.user_attrs[PARAMETERS]
    return Found(
        parameters={name: complete[name] for name in load_spec(kind).search},
        value=float(study.best_value),
        start=start[0] if start else None,
        trials=len(everything),
        pruned=sum(trial.state == TrialState.PRUNED for trial in everything),
    )


def finished(study: "optuna.Study", *roles: str) -> list["optuna.trial.FrozenTrial"]:
    """Trials of these roles that were complete or given up early, oldest first."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    return [trial for trial in trials if trial.user_attrs.get(ROLE) in roles]
