"""What every part of a run's summary is."""

from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_serializer


class SummaryPart(BaseModel):
    """Base of all parts: frozen, and a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    LEFT_OUT_IF_NONE: ClassVar[frozenset[str]] = frozenset()
    """Names that the JSON does not have where there is nothing to say."""

    @model_serializer(mode="wrap")
    def _leave_out(self, dump: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        dumped = dump(self)
        absent = {name for name in self.LEFT_OUT_IF_NONE if dumped[name] is None}
        return {name: value for name, value in dumped.items() if name not in absent}

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON, under the names of the schema."""
        return self.model_dump(mode="json")
