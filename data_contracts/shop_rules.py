"""The rules of a run with all that applies them again without the dataset file: what ``rules.json`` holds."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from data_contracts.dataset import DatasetSpec
from data_contracts.rules_section import RulesSection


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ListedFile(_Part):
    """A file that a rule names."""

    path: str
    """Absolute."""
    sha256: str
    """Of its content when it was found."""


class ItemIdForm(_Part):
    """How item ids of a file are cleaned: as those of the log."""

    strip: bool
    """Cut spaces around them."""
    upper: bool
    """Write them in capitals."""
    integer: bool
    """Whole numbers lose a fraction of zeros."""
    decimal: str
    """What stands before the fraction."""
    null_values: tuple[str, ...]
    """Texts that mean that nothing is there."""


class ShopRules(_Part):
    """The rules of a run."""

    section: RulesSection
    """As the dataset file says them."""
    separators: dict[str, str | None]
    """Attributes that hold labels, and what separates several; None where there is one."""
    true_values: tuple[str, ...]
    """Texts of the dataset that mean yes."""
    false_values: tuple[str, ...]
    """And no."""
    timezone: str
    """IANA name; days begin at its midnight."""
    ids: ItemIdForm
    """How ids of `withdrawn` are cleaned."""
    withdrawn: ListedFile | None = None
    """The file of withdrawn items."""
    blocks: ListedFile | None = None
    """The file of blocked pairs."""

    @classmethod
    def of(
        cls, spec: DatasetSpec, section: RulesSection, withdrawn: ListedFile | None, blocks: ListedFile | None
    ) -> "ShopRules":
        """Rules of a dataset whose files were found."""
        source, cleaning = spec.source, spec.cleaning
        return cls(
            section=section,
            separators=spec.item_attributes.separators(),
            true_values=source.true_values,
            false_values=source.false_values,
            timezone=source.timezone,
            ids=ItemIdForm(
                strip=cleaning.strip_ids,
                upper=cleaning.upper_case_items,
                integer=cleaning.id_format_of("item") == "integer",
                decimal=source.decimal,
                null_values=source.null_values,
            ),
            withdrawn=withdrawn,
            blocks=blocks,
        )

    @property
    def places(self) -> dict[str, str]:
        """Where the files lie, by the key that names them."""
        files = {"withdrawn": self.withdrawn, "blocks": self.blocks}
        return {key: file.path for key, file in files.items() if file is not None}

    def cache_identity(self) -> dict[str, Any]:
        """Everything but where the files lie: they are known by their content."""
        said = self.model_dump(mode="json")
        for name in ("withdrawn", "blocks"):
            file: ListedFile | None = getattr(self, name)
            said[name] = None if file is None else file.sha256
            said["section"].pop(name)
        return said
