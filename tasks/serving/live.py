"""What is live of one dataset, opened for look-ups and followed: a change is opened beside, and then takes its place."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_files import dropped_in
from data_contracts.errors import ConfigurationError, ShelftalkerError
from data_contracts.variants_section import LIVE_ARM, Arm, VariantsSection
from tasks.lookup.opened import OpenPublication
from tasks.publication.publications import Publication, order, publications
from tasks.publication.registry import LATEST, dataset_folder, live_publication, publication_by_run

LOGGER = logging.getLogger("shelftalker.api")

Stamp = tuple[int, int] | None
"""Time and inode of a file; None where there is none."""


@dataclass(frozen=True)
class State:
    """All that answers of one moment come from; never changed, only replaced."""

    live: OpenPublication
    arms: dict[str, OpenPublication] = field(default_factory=dict)
    variants: VariantsSection | None = None

    def for_user(self, user_id: str | None) -> tuple[OpenPublication, str | None]:
        """The publication that answers a user, and the name of the arm; without a user what is live."""
        if self.variants is None or user_id is None:
            return self.live, None
        arm = self.variants.arm_of(user_id)
        return self.arms[arm], arm


class LiveDataset:
    """One dataset of the service.

    Parameters
    ----------
    name_or_path
        Of the dataset. From a dataset file the A/B test is read as well, and again whenever the file changes.

    Raises
    ------
    ConfigurationError
        If there is no such file, or it is wrong.

    """

    def __init__(self, name_or_path: str) -> None:
        self._file = _file_of(name_or_path)
        self._spec = None if self._file is None else DatasetSpec.load(self._file)
        self.name = name_or_path if self._spec is None else self._spec.name
        self.state: State | None = None
        self.problem = "nothing was looked up yet"
        """Why there is no state, or why it is not the newest; '' where all is well."""
        self._stamps: tuple[Stamp, Stamp] | None = None
        self._told = ""

    def follow(self, *, again: bool = False) -> bool:
        """Open what is live now, if that changed since, or `again`; returns whether it did.

        What cannot be opened changes nothing: the state before goes on answering, and `problem` says why.
        """
        stamps = (
            _stamp(dataset_folder(self.name) / LATEST),
            None if self._file is None else _stamp(self._file),
        )
        if stamps == self._stamps and not again and not self.problem:
            self._refresh()
            return False
        self._stamps = stamps
        try:
            if self._file is not None:
                self._spec = DatasetSpec.load(self._file)
            self.state = self._opened()
        except Exception as error:  # noqa: BLE001 - whatever it is, the state before goes on answering
            self._tell(error)
            self.problem = str(error) or type(error).__name__
            return False
        self.problem = ""
        LOGGER.info("%s: answers from %s", self.name, self.state.live.publication.path)
        return True

    def _refresh(self) -> None:
        """Ask the rules again; where that fails, what they said last holds."""
        state = self.state
        for shop in [] if state is None else {state.live, *state.arms.values()}:
            try:
                shop.refresh()
            except Exception as error:  # noqa: BLE001 - as above
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        if str(error) != self._told:
            unforeseen = not isinstance(error, ShelftalkerError | OSError)
            LOGGER.warning("%s: %s", self.name, error, exc_info=unforeseen)
        self._told = str(error)

    def _opened(self) -> State:
        known = [] if self.state is None else [self.state.live, *self.state.arms.values()]
        before = {shop.publication: shop for shop in known}
        # Where visitors are asked for, the first one should not wait for the model.
        warm = any(shop.is_warm for shop in known)

        def opened(publication: Publication) -> OpenPublication:
            if publication not in before:
                shop = OpenPublication(publication)
                if warm:
                    shop.warm()
                before[publication] = shop
            return before[publication]

        live = live_publication(self.name)
        variants = None if self._spec is None else self._spec.variants
        arms = {} if variants is None else variants.arms
        return State(
            opened(live),
            {name: opened(publication_of(self.name, arm, live)) for name, arm in arms.items()},
            variants,
        )


def publication_of(dataset: str, arm: Arm, live: Publication) -> Publication:
    """The publication of an arm.

    Raises
    ------
    ConfigurationError
        If there is none.

    """
    if arm.publication == LIVE_ARM:
        return live
    if arm.publication is not None:
        return publication_by_run(dataset, arm.publication)
    made = [each for each in publications(dataset) if each.manifest["model"].get("kind") == arm.model]
    if not made:
        raise ConfigurationError(f"no publication of dataset {dataset!r} is of a model {arm.model!r}")
    return max(made, key=order)


def _file_of(name_or_path: str) -> Path | None:
    """The dataset file to follow: a path, or the file of that name in the home's folder of datasets."""
    return Path(name_or_path) if name_or_path.endswith(".toml") else dropped_in().get(name_or_path)


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino
