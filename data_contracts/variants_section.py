"""``[variants]`` of a dataset file: which users are answered from which publication, for an A/B test."""

import hashlib
import math
from typing import Self

from pydantic import Field, model_validator

from data_contracts.column_sections import Section

LIVE_ARM = "live"
"""Of `publication`: whatever is live."""


class Arm(Section):
    """``[variants.arms.NAME]``: one group of users."""

    share: float = Field(gt=0, le=1)
    """Part of all users; the shares of all arms add up to 1."""
    publication: str | None = Field(default=None, min_length=1)
    """``live``, or the name of a run, or its first letters."""
    model: str | None = Field(default=None, min_length=1)
    """Or the newest publication whose model is of this kind."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.publication is None) == (self.model is None):
            raise ValueError("write exactly one of publication and model")
        return self


class VariantsSection(Section):
    """``[variants]``: users are split by a hash of their id, so that each stays in one arm as long as the salt does."""

    salt: str = Field(min_length=1, max_length=200)
    """Another salt is another split."""
    arms: dict[str, Arm] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _shares_are_whole(self) -> Self:
        total = math.fsum(arm.share for arm in self.arms.values())
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"shares of the arms must add up to 1; they add up to {total:g}")
        return self

    def arm_of(self, user_id: str) -> str:
        """Name of a user's arm: the first 8 bytes of SHA-256 over salt and id, as a part of 1, among the shares."""
        digest = hashlib.sha256(f"{self.salt}:{user_id}".encode("utf-8", "surrogatepass")).digest()
        point, end = int.from_bytes(digest[:8], "big") / 2**64, 0.0
        for name, arm in self.arms.items():
            end += arm.share
            if point < end:
                return name
        return name
