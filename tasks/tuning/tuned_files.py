"""Where tuned files live, and how one grows by a model."""

from pathlib import Path

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError
from data_contracts.selection import Selection
from data_contracts.tuned import Tuned, TunedModel
from tasks.runtime import store
from tasks.runtime.files import replace_text


def tuned_path(name_or_path: str) -> Path:
    """File of a name below the store's home, or the path of a .toml itself."""
    if name_or_path.endswith(".toml"):
        return Path(name_or_path)
    return store.home() / "tuned" / f"{store.must_be_plain('tuned file', name_or_path)}.toml"


def keep(path: Path, dataset: str, name: str, model: TunedModel) -> None:
    """Put one model's result into the file; what it says of other models stays."""
    before = Tuned.load(path) if path.exists() else Tuned(dataset=dataset)
    if before.dataset != dataset:
        raise ConfigurationError(f"{path} was tuned for {before.dataset!r}; choose another --output")
    path.parent.mkdir(parents=True, exist_ok=True)
    both = Tuned(dataset=dataset, models={**before.models, name: model})
    replace_text(path, both.to_toml())


def load_tuned(name_or_path: str | None, spec: DatasetSpec) -> Tuned | None:
    """Read the tuned file that a run names; None where it names none.

    Raises
    ------
    ConfigurationError
        If it is not there, or was made for another dataset.

    """
    if name_or_path is None:
        return None
    tuned = Tuned.load(tuned_path(name_or_path))
    if tuned.dataset != spec.name:
        raise ConfigurationError(
            f"{tuned_path(name_or_path)} was tuned for dataset {tuned.dataset!r}, not {spec.name!r}"
        )
    return tuned


def check_tuned_before(tuned: Tuned | None, train: Selection) -> None:
    """Refuse parameters that were chosen by looking at the run's own hold-out.

    Raises
    ------
    ConfigurationError
        Naming the model, and when it may be used.

    """
    for name, model in tuned.models.items() if tuned else ():
        if model.until and train.end and model.until > train.end:
            raise ConfigurationError(
                f"model {name!r} was tuned on events until {model.until}, but this run trains until {train.end} and "
                "judges on what follows: choose a later --as-of, or tune again with the --as-of of this run"
            )
