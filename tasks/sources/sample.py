"""The built-in sample: a seeded CSV that looks like a real shop's export, with all its dirt."""

import csv
import io
from pathlib import Path

import numpy as np

from tasks.runtime.files import replace_file
from tasks.sources.sample_catalogue import CATEGORIES, FIRST_DAY, Catalogue, make_catalogue
from tasks.sources.sample_generator import Lines, make_lines

HEADER = ("Invoice", "Item", "Title", "Category", "Quantity", "Date", "Price", "Customer", "Country")
INVOICE, ITEM, TITLE, CATEGORY, QUANTITY, DATE, PRICE, CUSTOMER, COUNTRY = range(len(HEADER))

COUNTRIES = ("Germany", "Austria", "France", "Netherlands", "Poland")
SEED = 20_240_701

Row = list[str]

UNREADABLE_LINES = (
    b"too,few\n",
    b"500001,20001,A cup, and a comma that nobody quoted,Tea,1,2024-09-01 10:00,2.55,10001,Germany\n",
    b"500002,20002,Caf\xe9 cup,Coffee,1,2024-09-01 10:05,2.55,10002,Germany\n",
)
"""Lines of the wrong length, and one in another encoding."""


def ensure_sample(home: Path) -> Path:
    """Write the sample into `home` unless it is there; return its path."""
    path = home / "sample.csv"
    if not path.is_file():
        home.mkdir(parents=True, exist_ok=True)
        replace_file(path, write_sample)
    return path


def write_sample(
    path: Path, *, n_users: int = 4_000, n_items: int = 1_500, n_rows: int = 200_000, seed: int = SEED
) -> None:
    """Write a year of a made-up shop as CSV; the same arguments give the same bytes.

    Parameters
    ----------
    path
        File to write.
    n_users
        Customers with an account.
    n_items
        Products; at least one for each of the 30 categories.
    n_rows
        Lines below the header, dirty ones included.
    seed
        Of all random draws.

    Raises
    ------
    ValueError
        If there are too few items or rows for a shop.

    """
    if n_items < len(CATEGORIES):
        raise ValueError(f"n_items must be at least {len(CATEGORIES)}, one a category; got {n_items}")
    if n_rows < 1_000 or n_users < 1:
        raise ValueError(f"n_rows must be at least 1000 and n_users 1; got {n_rows} and {n_users}")
    rng = np.random.default_rng(seed)
    shop = make_catalogue(rng, n_items)
    n_dirty = {kind: int(share * n_rows) for kind, share in ADDED.items()}
    n_lines = n_rows - sum(n_dirty.values()) - len(UNREADABLE_LINES)
    lines = make_lines(rng, shop, n_users, n_lines)
    rows = _as_rows(rng, shop, lines)
    _spoil(rng, rows)
    _add(rng, rows, n_dirty)
    rows.sort(key=lambda row: row[DATE] if row[DATE][:2] == "20" else "2025")
    _write(path, rows)


ADDED = {"return": 0.012, "write_off": 0.001, "fee": 0.003, "copy": 0.003}
"""Rows that no customer bought, as shares of all rows."""

SPOILED = {
    "no_price": 0.002,
    "lower_case": 0.01,
    "spaces_in_code": 0.003,
    "spaces_in_title": 0.04,
    "bad_quantity": 0.0005,
    "bad_date": 0.0005,
    "old_date": 0.00005,
    "no_item": 0.0005,
}
"""Rows of customers in which something is wrong, as shares of their rows."""

GUEST_SHARE = 0.12


def _as_rows(rng: np.random.Generator, shop: Catalogue, lines: Lines) -> list[Row]:
    n_invoices = int(lines.invoice[-1]) + 1
    guest = (rng.random(n_invoices) < GUEST_SHARE)[lines.invoice]
    country = rng.choice(COUNTRIES, int(lines.user.max()) + 1, p=(0.7, 0.1, 0.08, 0.07, 0.05))[lines.user]
    moment = (FIRST_DAY + lines.day).astype("datetime64[m]") + lines.minute
    text = np.char.replace(moment.astype(np.str_), "T", " ")
    customer = np.where(guest, "", (10_000 + lines.user).astype(np.str_))
    kinds = np.array(CATEGORIES)[shop.category]
    columns = (
        *((500_000 + lines.invoice).astype(np.str_), shop.codes[lines.item], shop.titles[lines.item]),
        *(kinds[lines.item], lines.quantity.astype(np.str_), text),
        *(np.char.mod("%.2f", shop.price)[lines.item], customer, country),
    )
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _spoil(rng: np.random.Generator, rows: list[Row]) -> None:
    """Damage single fields, each kind in rows of its own draw."""
    for kind, share in SPOILED.items():
        for at in rng.choice(len(rows), max(1, int(share * len(rows))), replace=False):
            row = rows[at]
            if kind == "no_price":
                row[PRICE] = "0.00"
            elif kind == "lower_case":
                row[ITEM] = row[ITEM].lower()
            elif kind == "spaces_in_code":
                row[ITEM] = f" {row[ITEM]} "
            elif kind == "spaces_in_title":
                row[TITLE] = f"{row[TITLE]} "
            elif kind == "bad_quantity":
                row[QUANTITY] = "one"
            elif kind == "bad_date":
                row[DATE] = "yesterday"
            elif kind == "old_date":
                row[DATE] = "2000-01-01 00:00"
            else:
                row[ITEM] = ""


def _add(rng: np.random.Generator, rows: list[Row], n_dirty: dict[str, int]) -> None:
    """Append returns, write-offs, fees and exact copies, all made from rows that are there."""
    n_bought = len(rows)
    for kind, count in n_dirty.items():
        for at in rng.integers(0, n_bought, count):
            row = list(rows[at])
            if kind == "return":
                row[INVOICE], row[QUANTITY] = f"C{row[INVOICE]}", f"-{row[QUANTITY]}"
            elif kind == "write_off":
                row[QUANTITY], row[PRICE], row[CUSTOMER], row[TITLE] = "-20", "0.00", "", "damaged"
            elif kind == "fee":
                row[ITEM], row[TITLE], row[QUANTITY] = "POST", "Postage", "1"
            rows.append(row)


def _write(path: Path, rows: list[Row]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    # The unreadable lines stand inside the file, where they shift the numbers of the rows after them.
    part = len(rows) // (len(UNREADABLE_LINES) + 1)
    with path.open("wb") as file:
        for at, line in enumerate(UNREADABLE_LINES):
            writer.writerows(rows[at * part : (at + 1) * part])
            file.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
            file.write(line)
        writer.writerows(rows[len(UNREADABLE_LINES) * part :])
        file.write(text.getvalue().encode())
