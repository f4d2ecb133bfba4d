"""The ``[source]`` section of a dataset file: a log in files, or the answer of a database to a query."""

import re
from typing import Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from data_contracts.column_sections import Section
from data_contracts.database_url import VARIABLE, has_password
from data_contracts.limits import SkippedRows

DATABASE_KEYS: Final = ("url", "url_env", "url_block")
"""Ways to say which database, one of which belongs to a query."""

PLACE_KEYS: Final = ("path", *DATABASE_KEYS, "query")
"""Where the log lies; it is known by its content."""


class SourceSection(Section):
    """``[source]``: where the log is and how its text is read."""

    path: str | None = None
    """File or folder; relative to the folder of the .toml, then to the current folder. Or a URL of an object store
    (``s3://``, ``gs://``, ``az://``): of a file, a folder, or a pattern such as ``s3://shop/orders/*.parquet``."""
    url: str | None = None
    """Instead of a path: SQLAlchemy URL of a database, such as
    ``postgresql+psycopg://{SHOP_DB_USER}:{SHOP_DB_PASSWORD}@db/shop``. What stands in braces is taken from
    the environment; a password must not be written out."""
    url_env: str | None = Field(default=None, pattern=VARIABLE)
    """Or: environment variable that holds the whole URL."""
    url_block: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    """Or: name of a Prefect Secret block that holds the whole URL."""
    query: str | None = None
    """Of a database: the SELECT that answers with the log, passed on as it is. It needs an ORDER BY that
    leaves no ties, so that the same rows are the same log."""
    format: Literal["auto", "csv", "json", "parquet", "excel"] = "auto"
    """``auto`` goes by what the file begins with where that is sure, else by its ending. ``json`` is one
    object a line, or one array of objects."""
    files: str | None = None
    """Of a folder: read only files whose path in it matches, such as ``orders-*.csv``; all if absent."""
    member: str | None = None
    """Of a .zip that holds several files: the one that is read."""
    header: bool = True
    """Of CSV and Excel: whether the first line that is not skipped names the columns."""
    names: tuple[str, ...] = ()
    """Of CSV and Excel: names of all columns in order; they replace the header's. Without header and names
    columns are called column1, column2, ..."""
    skip_rows: SkippedRows = 0
    """Of CSV and Excel: lines before the header, or before the first row where there is none. A line
    ``sep=;`` is understood without it."""
    delimiter: str = Field(default="auto", min_length=1)
    """Of CSV; ``auto`` takes the most frequent of comma, semicolon, tab and bar in the header line."""
    encoding: str = "utf-8"
    """Of CSV and JSON: any encoding that Python knows, such as ``latin-1`` or ``utf-16``."""
    quote: str = Field(default='"', max_length=1)
    """Of CSV; an empty text means that nothing is quoted."""
    escape: str = Field(default="", max_length=1)
    """Of CSV: what stands before a quotation mark inside a quoted field; the mark itself if empty."""
    line_ends: Literal["auto", "same", "mixed"] = "auto"
    """Of CSV and JSON Lines: ``mixed`` where some lines end in CR LF and others in LF; such a file is copied once.
    ``auto`` finds out by itself; ``same`` does not look, and refuses a file whose ends differ."""
    sheet: str | tuple[str, ...] | None = None
    """Of Excel: a sheet, or several that are read one after the other; the first if absent."""
    null_values: tuple[str, ...] = ()
    """Texts that mean "nothing is there", such as ``NULL`` or ``\\N``. An empty field and a missing value of the format (null, a float's
    NaN, an error of Excel) always mean it; every other text, ``NA`` and ``null`` too, is what it says, in every format."""
    decimal: Literal[".", ","] = "."
    """Of numbers that are text: what stands before the fraction."""
    thousands: Literal["", ",", ".", "'", " ", "_"] = ""
    """Of numbers that are text: what parts groups of three digits; a space stands for every kind of space,
    an apostrophe for the typographic one too."""
    unit: str = ""
    """Of numbers that are text: a sign before or after that is cut, such as ``€``, ``USD`` or ``%``."""
    true_values: tuple[str, ...] = ()
    """Texts that are the number 1, such as ``yes``; columns of booleans need none."""
    false_values: tuple[str, ...] = ()
    """Texts that are the number 0, such as ``no``."""
    timezone: str = "UTC"
    """IANA name such as ``Europe/London``: what times without an offset are local to."""
    time_format: str = "auto"
    """``auto`` (ISO 8601 text or real timestamps), ``epoch_seconds``, ``epoch_milliseconds``,
    ``epoch_microseconds``, ``epoch_nanoseconds``, ``excel_serial`` (days since 1899-12-30, local to
    `timezone`), or a strptime format such as ``%m/%d/%Y %I:%M %p``."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        # "localtime" is whatever the machine is set to: the same log would be another one elsewhere.
        if value not in available_timezones() - {"localtime", "posixrules", "Factory"}:
            raise ValueError("no IANA time zone; write a name such as Europe/London or UTC")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        """Refuse a log that is nowhere, or in two places."""
        given = [name for name in ("path", *DATABASE_KEYS) if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"write exactly one of path (a file or folder) and {', '.join(DATABASE_KEYS)} (a database, with "
                f"query = 'SELECT ...'); got {' and '.join(given) or 'none of them'}"
            )
        if self.path is not None and has_password(self.path):
            raise ValueError(
                "path holds a URL with its password: credentials of an object store come from the environment; of "
                "a database write url_env, and query"
            )
        if self.path is not None and self.query is not None:
            raise ValueError("query belongs to a database: write url, url_env or url_block instead of path")
        if self.path is None and self.query is None:
            raise ValueError(f"{given[0]} needs query = 'SELECT ... ORDER BY ...'")
        return self

    @model_validator(mode="after")
    def _numbers_and_names_are_clear(self) -> Self:
        """Refuse marks that would mean two things."""
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}; correct one of them")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names must differ; got {list(self.names)}")
        both = set(self.true_values) & set(self.false_values)
        if both:
            raise ValueError(f"{sorted(both)} stand in true_values and in false_values; remove them from one")
        return self

    @model_validator(mode="after")
    def _fit_for_a_database(self) -> Self:
        """Refuse a password in the file, an answer without an order, and a format that nothing has."""
        if self.url is not None and has_password(self.url):
            raise ValueError(
                "url holds a password; write {NAME} in its place and put it into the environment variable NAME, "
                "or use url_env or url_block"
            )
        if self.query is None:
            return self
        if not re.search(r"\border\s+by\b", self.query, re.IGNORECASE):
            raise ValueError(
                "query has no ORDER BY: a database answers in any order without it, and the same rows in "
                "another order are another log; order by the time and a unique id"
            )
        if self.format != "auto":
            raise ValueError("format belongs to path; the rows of a database have one already")
        return self

    @property
    def sheets(self) -> tuple[str, ...]:
        """Sheets of Excel in the order of reading; none means the first."""
        return (self.sheet,) if isinstance(self.sheet, str) else self.sheet or ()

    def at(self, path: str) -> "SourceSection":
        """Return the same rules for a log in another place."""
        return self.model_copy(update={**dict.fromkeys(PLACE_KEYS), "path": path})
