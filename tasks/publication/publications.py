"""Publications: immutable folders below ``published/DATASET/DAY``, looked through with care for what is damaged."""

from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from data_contracts.errors import DamagedError
from tasks.runtime import store
from tasks.runtime.files import report_damage

UNDATED = "undated"
IDENTITY = "publication"
"""Key of a manifest: which publication the folder was made for, so that a copy of it is known as one."""


class Publication(BaseModel):
    """One published run of a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    dataset: str
    """Name of the dataset."""
    as_of: date | None
    """The run saw events before this day; None for a log without times."""
    run: str
    """Name of the run: decided by its content, so that the same run is the same publication."""

    @property
    def path(self) -> str:
        """Relative to the store's home."""
        return f"published/{self.dataset}/{self.as_of or UNDATED}/{self.run}"

    @property
    def folder(self) -> Path:
        """Absolute path."""
        return store.home() / self.path

    @property
    def manifest(self) -> store.Facts:
        """The manifest of the publication; raises DamagedError, which names the file, if it is not as written."""
        manifest = store.read_manifest(self.folder)
        # Publications of earlier versions do not say for what they were made.
        made_for = manifest.get(IDENTITY, self.model_dump(mode="json"))
        if made_for != self.model_dump(mode="json"):
            raise DamagedError(f"{self.folder} is a copy of another publication ({made_for}); remove it")
        if not isinstance(manifest.get("model"), dict) or "created_at" not in manifest:
            raise DamagedError(f"{self.folder / store.MANIFEST} is damaged: it names no model or no time")
        return manifest

    def problem(self) -> str:
        """What is wrong with the manifest, or ''."""
        try:
            self.manifest  # noqa: B018 - it raises
        except DamagedError as error:
            return str(error)
        return ""

    def damage(self, part: str = "") -> str:
        """What is wrong with the manifest or a file, or ''; every file is read once a process."""
        try:
            found = store.damaged_file(self.folder, self.manifest, part)
        except DamagedError as error:
            return str(error)
        return f"{self.folder} is damaged: {found}" if found else ""

    def part(self, name: str) -> Path:
        """Path of a file or folder of the publication, whose content is what was written, if it has it.

        Raises
        ------
        DamagedError
            If it is not; naming the file and what to do.

        """
        must_be_whole(self, name)
        return self.folder / name


def must_be_whole(publication: Publication, part: str = "") -> None:
    """Refuse a damaged publication, or a damaged part of one.

    Raises
    ------
    DamagedError
        Naming the file and what to do.

    """
    problem = publication.damage(part)
    if problem:
        raise DamagedError(
            f"{problem}; run its day again (`shelftalker run --dataset {publication.dataset} --as-of DAY`), or go "
            f"back (`shelftalker rollback --dataset {publication.dataset}`)"
        )


class Found(NamedTuple):
    """A folder where publications lie."""

    folder: Path
    publication: Publication | None
    """None if no publication can be called like that."""
    problem: str
    """What is wrong with its name or its manifest, or ''."""


def dataset_folder(dataset: str) -> Path:
    """Folder of a dataset's publications."""
    return store.home() / "published" / store.must_be_plain("dataset", dataset)


def look_through(dataset: str) -> list[Found]:
    """All folders where publications of a dataset lie, by day and name, the damaged ones too."""
    folders = (each for each in sorted(dataset_folder(dataset).glob("*/*")) if each.is_dir())
    return [_found(dataset, each) for each in folders if not each.name.startswith(".")]


def publications(dataset: str) -> list[Publication]:
    """All publications of a dataset whose manifest can be read, oldest `as_of` first; the others are reported."""
    found = look_through(dataset)
    for each in found:
        if each.problem:
            report_damage(f"left out of the publications of {dataset!r}: {each.problem}")
    return [each.publication for each in found if each.publication and not each.problem]


def order(publication: Publication) -> tuple[str, str]:
    """Publications sort by their day, and then by when they were made."""
    return str(publication.as_of), str(publication.manifest["created_at"])


def _found(dataset: str, folder: Path) -> Found:
    day = folder.parent.name
    try:
        as_of = None if day == UNDATED else date.fromisoformat(day)
    except ValueError:
        return Found(folder, None, f"{folder}: {day!r} is no day; move it out of the home")
    publication = Publication(dataset=dataset, as_of=as_of, run=folder.name)
    if publication.folder != folder:  # 20250530 is a day, too, but not as we write it
        return Found(folder, None, f"{folder}: {day!r} is not how a day is written; move it out of the home")
    return Found(folder, publication, publication.problem())
