"""Files of item ids, one a line: read as bytes at once, and cleaned as the ids of the log are."""

import re
from pathlib import Path

from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.shop_rules import ItemIdForm

_SPACES = " \t\r\n"


def read_bytes(path: Path, key: str) -> bytes:
    """Content of a file that a rule names.

    Raises
    ------
    ConfigurationError
        If it is not there or cannot be read; naming the key and the file.

    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"rules.{key}: {path} cannot be read ({error.strerror}); put it there, or remove the key from [rules]"
        ) from error


def item_ids(content: bytes, form: ItemIdForm, name: str) -> frozenset[str]:
    """Ids of a file with one id a line, empty lines left out.

    Raises
    ------
    ContractError
        If it is no UTF-8; naming the file.

    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(
            f"{name} is no UTF-8 (byte {error.start}); write it in UTF-8, one id a line"
        ) from error
    cleaned = (clean(line, form) for line in re.split(r"\r?\n", text))
    return frozenset(each for each in cleaned if each is not None)


def clean(text: str, form: ItemIdForm) -> str | None:
    """Write an id as :func:`tasks.ingestion.normalization.item_id` does; None for nothing."""
    if form.integer:
        text = re.sub(rf"^([ \t\r\n\f]*-?[0-9]+)[{re.escape(form.decimal)}]0+([ \t\r\n\f]*)$", r"\1\2", text)
    if form.strip:
        text = text.strip(_SPACES)
    if form.upper:
        # Letter by letter, as the engine does: a sharp s has no capital of one letter.
        text = "".join(upper if len(upper := letter.upper()) == 1 else letter for letter in text)
    return None if text in {"", *form.null_values} else text
