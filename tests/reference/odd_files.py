"""Files of the kinds that people post in public trackers, made small, each with what is right to read from it."""

import bz2
import gzip
import json
import lzma
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

N_ROWS = 120
STARTED = datetime(2024, 1, 3, 8, 26, 4)  # noqa: DTZ001 - files hold times without a zone

Row = dict[str, object]
Made = Path
KEYS = ("user", "item", "time")


@dataclass(frozen=True)
class Odd:
    """One odd file.

    Parameters
    ----------
    name
        What is odd about it.
    seen
        Where such a file was seen: an address, or words.
    make
        Writes it into a folder and returns its path.
    exact
        What must come out as it went in: user, item, time (to the second), day (of the time).
    says
        Lines that the drafted .toml must hold.
    refused
        Words of the refusal, where it is not read.
    lost
        Rows that are rejected, and readable rows without a user.

    """

    name: str
    seen: str
    make: Callable[[Path], Path]
    exact: tuple[str, ...] = KEYS
    says: tuple[str, ...] = ()
    refused: str = ""
    rejected: int = 0
    anonymous: int = 0
    values: tuple[float, float] | None = None
    """Smallest and largest value that is read."""
    rows: int = N_ROWS


def rows(n: int = N_ROWS) -> list[Row]:
    """Events in order of time: ids that could be numbers, a quantity, stars, a label."""
    labels = ("view", "cart", "purchase")
    return [
        {
            "user": str(1000 + at * 7 % 23),
            "item": str(5800 + at * 5 % 17),
            "at": STARTED + timedelta(hours=17 * at, minutes=at % 7, seconds=at % 59),
            "n": 1 + at % 4,
            "stars": 1 + at % 5,
            "label": labels[at % 3],
        }
        for at in range(n)
    ]


def lines(form: str, time: str = "%Y-%m-%d %H:%M:%S", n: int = N_ROWS) -> list[str]:
    """One text a row; `form` may use user, item, time, n, stars, label and at."""
    return [form.format(**{**row, "time": row["at"].strftime(time)}) for row in rows(n)]  # type: ignore[attr-defined]


def text(
    header: str | None,
    form: str,
    *,
    name: str = "log.csv",
    time: str = "%Y-%m-%d %H:%M:%S",
    encoding: str = "utf-8",
    end: str = "\n",
    above: str = "",
    below: str = "",
) -> Callable[[Path], Path]:
    """Maker of a text file."""

    def make(folder: Path) -> Path:
        body = end.join([*([header] if header else []), *lines(form, time)])
        path = folder / name
        path.write_bytes((above + body + end + below).encode(encoding))
        return path

    return make


def typed(header: str, form: str, words: tuple[str, str, str]) -> Callable[[Path], Path]:
    """Maker of a file with types of events; of the last type alone have `order` and `stars` a value."""

    def make(folder: Path) -> Path:
        body = []
        for at, row in enumerate(rows()):
            last = at % 3 == 2
            more = {
                "label": words[at % 3],
                "time": f"{row['at']:%Y-%m-%d %H:%M:%S}",
                "ms": _seconds(row) * 1000,
                "order": str(900 + at) if last else "",
                "stars": row["stars"] if last else "",
            }
            body.append(form.format(**{**row, **more}))
        path = folder / "log.csv"
        path.write_text("\n".join([header, *body]) + "\n", encoding="utf-8")
        return path

    return make


def epoch(per_second: int) -> Callable[[Path], Path]:
    """Maker of a file with numbers for times."""

    def make(folder: Path) -> Path:
        body = [f"{row['user']},{row['item']},{_seconds(row) * per_second}" for row in rows()]
        return _write(folder / "log.csv", "user,item,time", body)

    return make


def packed(compress: Callable[[bytes], bytes], name: str) -> Callable[[Path], Path]:
    """Maker of a compressed file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(compress("\n".join(["user,item,time", *lines("{user},{item},{time}"), ""]).encode()))
        return path

    return make


def parquet(build: Callable[[list[Row]], pa.Table]) -> Callable[[Path], Path]:
    """Maker of a Parquet file."""

    def make(folder: Path) -> Path:
        pq.write_table(build(rows()), folder / "log.parquet")
        return folder / "log.parquet"

    return make


def jsonl(
    shape: Callable[[Row], object], *, name: str = "log.jsonl", above: str = "", whole: bool = False
) -> Callable[[Path], Path]:
    """Maker of JSON."""

    def make(folder: Path) -> Path:
        objects = [shape(row) for row in rows()]
        body = json.dumps(objects) if whole else above + "\n".join(map(json.dumps, objects)) + "\n"
        (folder / name).write_bytes(gzip.compress(body.encode()) if name.endswith(".gz") else body.encode())
        return folder / name

    return make


def sheet(
    build: Callable[[pd.DataFrame], dict[str, pd.DataFrame]], *, header: bool = True
) -> Callable[[Path], Path]:
    """Maker of a workbook from sheets by name."""

    def make(folder: Path) -> Path:
        frame = pd.DataFrame(
            {
                "user": [row["user"] for row in rows()],
                "item": [row["item"] for row in rows()],
                "time": [row["at"] for row in rows()],
            }
        )
        with pd.ExcelWriter(folder / "log.xlsx") as book:
            for name, table in build(frame).items():
                table.to_excel(book, sheet_name=name, index=False, header=header)
        return folder / "log.xlsx"

    return make


def _seconds(row: Row) -> int:
    return int(row["at"].replace(tzinfo=UTC).timestamp())  # type: ignore[attr-defined]


def _write(path: Path, header: str, body: list[str]) -> Path:
    path.write_text("\n".join([header, *body, ""]), encoding="utf-8")
    return path


def _arrow(found: list[Row], **columns: pa.Array) -> pa.Table:
    made = {
        "user": pa.array([row["user"] for row in found]),
        "item": pa.array([row["item"] for row in found]),
        "time": pa.array([row["at"] for row in found], pa.timestamp("us")),
    }
    return pa.table({**made, **columns})


def _days(folder: Path) -> Path:
    """A folder of day files; a column comes with the third, the last has the columns in another order."""
    log = folder / "log"
    log.mkdir()
    body = lines("{user},{item},{time}")
    _write(log / "2024-01-01.csv", "user,item,time", body[:40])
    _write(log / "2024-01-02.csv", "user,item,time,coupon", [f"{line},X" for line in body[40:80]])
    swapped = [",".join(reversed(line.split(","))) for line in body[80:]]
    _write(log / "2024-01-03.csv", "time,item,user", swapped)
    return log


def _spark(folder: Path) -> Path:
    log = folder / "events.csv"
    log.mkdir()
    (log / "_SUCCESS").touch()
    body = lines("{user},{item},{time}")
    for at in range(3):
        _write(
            log / f"part-0000{at}-8c0b8a1e-22b1-4d5b-9f4e-0a1b2c3d4e5f-c000.csv",
            "user,item,time",
            body[40 * at : 40 * at + 40],
        )
    return log


def _movielens_folder(folder: Path) -> Path:
    log = folder / "ml"
    log.mkdir()
    (log / "README.txt").write_text("Summary\n=======\n\nThis dataset describes ratings, and more.\n")
    _write(
        log / "movies.csv", "movieId,title,genres", [f"{5800 + at},Film {at},Drama|War" for at in range(17)]
    )
    _write(
        log / "ratings.csv",
        "userId,movieId,rating,timestamp",
        [f"{row['user']},{row['item']},{row['stars']}.0,{_seconds(row)}" for row in rows()],
    )
    return log


def _movielens_zip(folder: Path) -> Path:
    inside = _movielens_folder(folder)
    with zipfile.ZipFile(folder / "ml.zip", "w") as archive:
        for path in sorted(inside.iterdir()):
            archive.write(path, f"ml/{path.name}")
    return folder / "ml.zip"


def _parquet_days(folder: Path) -> Path:
    """Day files of which one has integers where the others have texts."""
    log = folder / "log"
    found = rows()
    for at in range(3):
        part = found[40 * at : 40 * at + 40]
        day = log / f"dt=2024-01-0{at + 1}"
        day.mkdir(parents=True)
        extra = {"user": pa.array([int(str(row["user"])) for row in part])} if at == 2 else {}
        pq.write_table(_arrow(part, **extra), day / "part-0.parquet")
    return log


def _broken_lines(folder: Path) -> Path:
    body = [json.dumps({"user": row["user"], "item": row["item"], "time": str(row["at"])}) for row in rows()]
    body[60] = body[60][:-5]
    (folder / "log.jsonl").write_text("\n".join(body) + "\n")
    return folder / "log.jsonl"


def _mixed_ends(folder: Path) -> Path:
    body = ["user,item,time\n", *[f"{line}\r\n" for line in lines("{user},{item},{time}")]]
    (folder / "log.csv").write_bytes("".join(body).encode())
    return folder / "log.csv"


def _nulls(word: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        body = lines("{user},{item},{time}")
        for at in range(0, 40, 2):
            body[at] = f"{word},{body[at].partition(',')[2]}"
        return _write(folder / "log.csv", "user_id,item_id,time", body)

    return make


def _yes_and_no(folder: Path) -> Path:
    body = [f"{line},{'no' if at % 4 else 'yes'}" for at, line in enumerate(lines(PLAIN))]
    return _write(folder / "log.csv", "user,item,time,clicked", body)


def _float_ids(folder: Path) -> Path:
    body = lines("{user}.0,{item}.0,{time}")
    body[7] = f",{body[7].partition(',')[2]}"
    return _write(folder / "log.csv", "user_id,item_id,time", body)


def _uuid(row: Row) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, str(row["user"]))


def _titled(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A sheet whose header stands in its fourth row, behind a cover sheet."""
    cells = [
        ["Orders 2024", None, None],
        [None, None, None],
        ["exported", "by hand", None],
        list(frame.columns),
        *frame.to_numpy().tolist(),
    ]
    return {"Cover": pd.DataFrame([["Confidential"]]), "Data": pd.DataFrame(cells)}


def _serials(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    days = (frame["time"] - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)
    return {"Sheet1": frame.assign(time=days).rename(columns={"time": "Order Date"})}


def _gz(content: bytes) -> bytes:
    return gzip.compress(content)


PLAIN = "{user},{item},{time}"

ODD: tuple[Odd, ...] = (
    # Ids
    Odd(
        "ids with .0, one row blank",
        "https://github.com/massquantity/LibRecommender/issues/67",
        _float_ids,
        says=('id_format = "integer"',),
        anonymous=1,
        exact=("item", "time"),
    ),
    Odd(
        "DECIMAL(10,2) ids in Parquet",
        "made up after a warehouse export",
        parquet(
            lambda found: _arrow(
                found, user=pa.array([Decimal(f"{row['user']}.00") for row in found], pa.decimal128(10, 2))
            )
        ),
    ),
    Odd(
        "UUIDs as 16 bytes in Parquet",
        "https://github.com/hardwood-hq/hardwood/issues/203",
        parquet(
            lambda found: _arrow(found, user=pa.array([_uuid(row).bytes for row in found], pa.binary(16)))
        ),
        says=('id_format = { user = "uuid"',),
        exact=("item", "time"),
    ),
    Odd(
        "texts that are not marked as UTF-8 in Parquet",
        "https://github.com/Bears-R-Us/arkouda/pull/1195",
        parquet(
            lambda found: _arrow(
                found, user=pa.array([str(row["user"]).encode() for row in found], pa.binary())
            )
        ),
    ),
    Odd(
        r"\N for no user, as MySQL exports",
        "https://github.com/ibm-watson-data-lab/simple-search-service/issues/2",
        _nulls(r"\N"),
        says=(r'null_values = ["\\N"]',),
        anonymous=20,
        exact=("item", "time"),
    ),
    Odd(
        "NULL for no user, as a SQL client exports",
        "https://github.com/hankinsoft/SQLPro/issues/615",
        _nulls("NULL"),
        says=('null_values = ["NULL"]',),
        anonymous=20,
        exact=("item", "time"),
    ),
    Odd(
        "nan for no user, as print(float('nan'))",
        "https://github.com/rnelsonchem/simpledbf/issues/1",
        _nulls("nan"),
        says=('null_values = ["nan"]',),
        anonymous=20,
        exact=("item", "time"),
    ),
    Odd(
        "None for no user, as print(None)",
        "https://github.com/NicolasHug/Surprise/issues/117",
        _nulls("None"),
        says=('null_values = ["None"]',),
        anonymous=20,
        exact=("item", "time"),
    ),
    Odd(
        "ids rounded by a spreadsheet to 4.05E+12",
        "made up after spreadsheets that show long numbers so",
        text("user,item,time", "4.0{n}E+12,{item},{time}"),
        exact=("item", "time"),
        says=("a spreadsheet has rounded them",),
    ),
    # Times
    Odd(
        "day-month-year with dashes",
        "https://github.com/gorse-io/gorse/issues/232",
        text("user,item,timestamp", PLAIN, time="%d-%m-%Y %H:%M"),
        exact=("user", "item", "minute"),
        says=('time_format = "%d-%m-%Y %H:%M"',),
    ),
    Odd(
        "a space after each time, and the feedback's kind as the first column",
        "https://github.com/gorse-io/gorse/issues/516",
        text("favori,UserId,ItemId,Timestamp", "favori,{user},{item},{time} "),
    ),
    Odd(
        "31-OCT-2023",
        "https://github.com/duckdb/duckdb/issues/13923",
        text("ACCOUNT_NUMBER,ITEM,FILING_DATE", PLAIN, time="%d-%b-%Y"),
        exact=("user", "item", "day"),
        says=('time_format = "%d-%b-%Y"',),
    ),
    Odd(
        "AM and PM",
        "made up after spreadsheets in American English",
        text("user,item,time", PLAIN, time="%m/%d/%Y %I:%M:%S %p"),
        says=('time_format = "%m/%d/%Y %I:%M:%S %p"',),
    ),
    Odd(
        "day/month/year of two digits, decimal commas",
        "https://github.com/duckdb/duckdb/issues/19578",
        text("Customer;Item;Count;Date", "{user};{item};{n},5;{time}", time="%d/%m/%y"),
        exact=("user", "item", "day"),
        says=('decimal = ","', 'time_format = "%d/%m/%y"'),
        values=(1.5, 4.5),
    ),
    Odd(
        "Kundennummer, Artikelnummer, Datum",
        "made up after German shops",
        text("Datum;Artikelnummer;Kundennummer;Menge", "{time};{item};{user};{n}", time="%d.%m.%Y"),
        exact=("user", "item", "day"),
        values=(1, 4),
    ),
    Odd(
        "usr_id, code_id, amt_trx, bestelldatum",
        "https://github.com/recommenders-team/recommenders/issues/1861",
        text("usr_id,code_id,amt_trx,bestelldatum", "{user},{item},{n},{time}", time="%Y-%m-%d"),
        exact=("user", "item", "day"),
    ),
    Odd(
        "idusuario, idproducto, fecha",
        "made up after Spanish shops",
        text("fecha;idusuario;idproducto", "{time};{user};{item}", time="%d/%m/%Y %H:%M"),
        exact=("user", "item", "minute"),
    ),
    Odd(
        "created_at in seconds since 1970",
        "https://github.com/recsyschallenge/2016/issues/18",
        lambda folder: _write(
            folder / "interactions.csv",
            "user_id\titem_id\tinteraction_type\tcreated_at",
            [f"{row['user']}\t{row['item']}\t{row['stars']}\t{_seconds(row)}" for row in rows()],
        ),
        says=('time_format = "epoch_seconds"',),
    ),
    Odd(
        "milliseconds since 1970",
        "https://github.com/aws/aws-sdk-js/issues/3370",
        epoch(1000),
        says=('time_format = "epoch_milliseconds"',),
    ),
    Odd(
        "microseconds since 1970",
        "made up after Firefox and BigQuery",
        epoch(10**6),
        says=('time_format = "epoch_microseconds"',),
    ),
    Odd(
        "nanoseconds since 1970",
        "https://github.com/ClickHouse/clickhouse-java/issues/1161",
        epoch(10**9),
        says=('time_format = "epoch_nanoseconds"',),
    ),
    Odd(
        "seconds since 1970 as floats",
        "made up after pandas' timestamp()",
        lambda folder: _write(
            folder / "log.csv",
            "user,item,ts",
            [f"{row['user']},{row['item']},{_seconds(row)}.0" for row in rows()],
        ),
    ),
    Odd(
        "Excel's days as numbers",
        "https://github.com/h2oai/datatable/issues/1701",
        sheet(_serials),
        says=('time_format = "excel_serial"',),
    ),
    Odd(
        "20240103 as a number",
        "made up after warehouse date keys",
        text("date_key,user_id,product_id", "{time},{user},{item}", time="%Y%m%d"),
        exact=("user", "item", "day"),
        says=('time_format = "%Y%m%d"',),
    ),
    Odd(
        "the clock of a web server",
        "made up after Apache's log",
        text("user\titem\twhen", "{user}\t{item}\t{time} +0000", time="%d/%b/%Y:%H:%M:%S"),
        says=("%d/%b/%Y:%H:%M:%S %z",),
    ),
    Odd(
        "Wed Jan 03 08:26:04 +0000 2024",
        "made up after Twitter",
        text("user,item,created_at", PLAIN, time="%a %b %d %H:%M:%S +0000 %Y"),
    ),
    Odd(
        "Wed, 03 Jan 2024 08:26:04 GMT",
        "made up after mail and HTTP",
        text("user;item;date", "{user};{item};{time}", time="%a, %d %b %Y %H:%M:%S GMT"),
    ),
    Odd(
        "ISO 8601 with T and Z",
        "https://github.com/segmentio/action-destinations/pull/3767",
        text("user,item,event_time", PLAIN, time="%Y-%m-%dT%H:%M:%SZ"),
        says=('time_format = "auto"',),
    ),
    Odd(
        "2024-01-03 08:26:04 UTC",
        "made up after the REES46 logs",
        text("event_time,event_type,product_id,user_id", "{time} UTC,{label},{item},{user}"),
        says=("weights = { view = 1, cart = 3, purchase = 10 }", 'targets = ["purchase"]'),
        values=(1, 10),
    ),
    Odd(
        "views, carts and purchases, an order number at purchases alone, milliseconds",
        "made up after RetailRocket's log",
        typed(
            "timestamp,visitorid,event,itemid,transactionid",
            "{ms},{user},{label},{item},{order}",
            ("view", "addtocart", "transaction"),
        ),
        says=(
            'event = "event"',
            "weights = { view = 1, addtocart = 3, transaction = 10 }",
            'targets = ["transaction"]',
            "not used: 'transactionid' (empty but for transaction)",
        ),
        values=(1, 10),
    ),
    Odd(
        "names of events as in Google Analytics, with refunds",
        "made up after Google Analytics",
        typed(
            "user_id,item_id,time,event_name",
            "{user},{item},{time},{label}",
            ("view_item", "purchase", "refund"),
        ),
        says=("weights = { view_item = 1, purchase = 10, refund = 10 }", 'negative = { refund = "lower" }'),
        values=(-10, 10),
    ),
    Odd(
        "Angesehen, In den Warenkorb, Gekauft",
        "made up after German shops",
        typed(
            "Kunde;Artikel;Datum;Aktion",
            "{user};{item};{time};{label}",
            ("Angesehen", "In den Warenkorb", "Gekauft"),
        ),
        says=('weights = { Angesehen = 1, "In den Warenkorb" = 3, Gekauft = 10 }', 'targets = ["Gekauft"]'),
        values=(1, 10),
    ),
    Odd(
        "likes, dislikes and impressions",
        "made up after apps for news",
        typed("user,item,time,action", "{user},{item},{time},{label}", ("impression", "like", "dislike")),
        says=("weights = { like = 1 }", 'negative = { dislike = "exclude" }', 'ignore = ["impression"]'),
        values=(0, 1),
    ),
    Odd(
        "sales and returns in a column beside the quantity",
        "made up after tills",
        typed(
            "customer,article,date,type,quantity",
            "{user},{item},{time},{label},{n}",
            ("Sale", "Sale", "Return"),
        ),
        says=("weights = { Sale = 1, Return = 1 }", 'negative = { Return = "lower" }', "as_weight = true"),
        values=(-4, 4),
    ),
    Odd(
        "views and ratings in one log",
        "made up after sites for films",
        typed(
            "user,film_id,time,event,rating", "{user},{item},{time},{label},{stars}", ("view", "view", "rate")
        ),
        says=(
            "weights = { view = 1, rate = 3 }",
            "a value below 4 count as dislikes",
            "threshold = 4.0",
            'value = "rating"',
        ),
        values=(0, 3),
    ),
    Odd(
        "country, channel and type of payment: words that are no types of events",
        "made up after shops",
        typed(
            "user,item,time,country,channel,payment_type,status",
            "{user},{item},{time},{label},email,card,completed",
            ("DE", "AT", "CH"),
        ),
        says=('kind = "count"',),
        values=(1, 1),
    ),
    Odd(
        "an hour of loading in every row",
        "made up after warehouse tables",
        text("user,item,order_date,loaded_at", "{user},{item},{time},2024-07-05 03:00:00"),
        says=('time = "order_date"', "not used: 'loaded_at'"),
    ),
    Odd(
        "a date of birth beside the time",
        "made up after joined exports",
        text("user,birth_date,item,viewed_at", "{user},198{n}-05-0{stars},{item},{time}"),
        says=('time = "viewed_at"', "not used: 'birth_date'"),
    ),
    Odd(
        "times in words of another language",
        "made up after German letters",
        text("user,item,datum", '{user},{item},"{stars}. Dezember 2023, abends"'),
        refused="needs a time column",
    ),
    # Numbers
    Odd(
        "100,000.00",
        "https://github.com/duckdb/duckdb/issues/17093",
        text("user,item,time,quantity", '{user},{item},{time},"{n}00,000.00"'),
        says=('thousands = ","',),
        values=(100_000, 400_000),
    ),
    Odd(
        "1.234,50 with a semicolon",
        "https://github.com/duckdb/duckdb/issues/12856",
        text("user;item;time;quantity", "{user};{item};{time};{n}.234,50"),
        says=('decimal = ","', 'thousands = "."'),
        values=(1234.5, 4234.5),
    ),
    Odd(
        "€ 12,50",
        "made up after tills",
        text("user;item;time;quantity", "{user};{item};{time};€ {n}2,50"),
        says=('unit = "€"',),
        values=(12.5, 42.5),
    ),
    Odd(
        "12'345.00 as in Switzerland",
        "made up after Swiss tills",
        text("user;item;time;quantity", "{user};{item};{time};{n}2'345.00"),
        says=('thousands = "\'"',),
        values=(12_345, 42_345),
    ),
    Odd(
        "1 234,5 with a hard space",
        "made up after French spreadsheets",
        text("user;item;time;quantity", "{user};{item};{time};{n}\u00a0234,5"),
        says=('thousands = " "',),
        values=(1234.5, 4234.5),
    ),
    # Yes and no
    Odd(
        "purchased: true or false",
        "made up after click logs",
        parquet(lambda found: _arrow(found, purchased=pa.array([row["n"] == 1 for row in found]))),
        says=('value = "purchased"',),
        rejected=90,
        exact=(),
        values=(1, 1),
    ),
    Odd(
        "clicked: yes or no",
        "made up after surveys",
        _yes_and_no,
        says=('true_values = ["yes"]',),
        rejected=90,
        exact=(),
        values=(1, 1),
    ),
    # Files
    Odd(
        "no header, tabs, the ending .data",
        "https://github.com/NicolasHug/Surprise/issues/91",
        lambda folder: _headerless(folder / "u.data", "\t"),
        says=("header = false", 'format = "csv"'),
        values=(1, 5),
    ),
    Odd(
        "no header, two colons between fields",
        "https://github.com/PreferredAI/cornac/issues/389",
        lambda folder: _headerless(folder / "ratings.dat", "::"),
        says=('delimiter = "::"', "header = false"),
        values=(1, 5),
    ),
    Odd(
        "no header, commas",
        "https://github.com/NicolasHug/Surprise/issues/281",
        lambda folder: _headerless(folder / "log.txt", ","),
        says=("header = false",),
        values=(1, 5),
    ),
    Odd(
        "a space after each comma",
        "https://github.com/nickgreenquist/cu2rec/pull/36",
        text("userId, movieId, rating, timestamp", "{user}, {item}, {stars}.0, {time}"),
        values=(1, 5),
    ),
    Odd(
        "a line with the day of the export above the header",
        "https://github.com/duckdb/duckdb/issues/15576",
        text("user;item;time", "{user};{item};{time}", above="Estrazione del 2025-01-06\n"),
        says=("skip_rows = 1",),
    ),
    Odd(
        "three lines above the header, with commas",
        "made up after reporting tools",
        text("user,item,time", PLAIN, above="# Orders, all shops\n# from 2024, on\n\n"),
        says=("skip_rows = 3",),
    ),
    Odd("sep=;", "made up after Excel", text("user;item;time", "{user};{item};{time}", above="sep=;\n")),
    Odd(
        "a total below the last row",
        "made up after reporting tools",
        text("user;item;time", "{user};{item};{time}", below="Total;;120\n"),
        rejected=1,
        exact=(),
        rows=N_ROWS + 1,
    ),
    Odd(
        "UTF-16 with its mark and tabs: Excel's Unicode text",
        "https://github.com/harelba/q/issues/98",
        text("user\titem\ttime", "{user}\t{item}\t{time}", encoding="utf-16", name="log.txt"),
        says=('encoding = "utf-16"',),
    ),
    Odd(
        "UTF-16 without a mark",
        "https://github.com/genspark-ai/genoffice/pull/438",
        text("user,item,time", PLAIN, encoding="utf-16-le"),
        says=('encoding = "utf-16-le"',),
    ),
    Odd(
        "UTF-8 with a mark",
        "https://github.com/docling-project/docling/issues/4097",
        text("user,item,time", PLAIN, encoding="utf-8-sig"),
    ),
    Odd(
        "Cyrillic in windows-1251",
        "made up after Russian shops",
        text(
            "user;item;time;название",
            "{user};{item};{time};Книга русских сказок для детей",
            encoding="cp1251",
        ),
        says=('encoding = "cp1251"',),
    ),
    Odd(
        "Shift JIS",
        "made up after Japanese shops",
        text("user,item,time,title", "{user},{item},{time},日本語の本とお茶", encoding="shift-jis"),
        says=("encoding = ",),
    ),
    Odd(
        "an LF after the header, CR LF after the rows",
        "https://github.com/mholt/PapaParse/pull/1123",
        _mixed_ends,
    ),
    Odd(
        "CR alone between lines",
        "https://github.com/gkindel/csv-js/issues/3",
        text("user,item,time", PLAIN, end="\r"),
    ),
    Odd(
        "a delimiter at the end of each row",
        "made up after SAS",
        text("user,item,time", PLAIN + ","),
        says=("after_last",),
    ),
    Odd(
        "row names without a header",
        "made up after R's write.table",
        text("user,item,time", '"{at}",' + PLAIN),
        says=("row_name",),
    ),
    Odd("a column without a name", "made up after pandas' to_csv", text(",user,item,time", "{n}," + PLAIN)),
    Odd(
        "quotes escaped by a backslash",
        "https://github.com/PreferredAI/cornac/issues/398",
        text('"user";"item";"time";"title"', '"{user}";"{item}";"{time}";"The \\"Big\\" Book"'),
        says=('escape = "\\\\"',),
    ),
    Odd("gzip", "made up", packed(_gz, "log.csv.gz")),
    Odd("bzip2", "made up", packed(bz2.compress, "log.csv.bz2")),
    Odd("xz", "made up", packed(lzma.compress, "log.csv.xz")),
    Odd(
        "zstd",
        "made up",
        packed(lambda content: pa.compress(content, codec="zstd", asbytes=True), "log.csv.zst"),
    ),
    Odd(
        "a .zip of several tables",
        "https://grouplens.org/datasets/movielens/",
        _movielens_zip,
        says=('member = "ml/ratings.csv"',),
        values=(1, 5),
    ),
    Odd(
        "a folder of several tables",
        "https://grouplens.org/datasets/movielens/",
        _movielens_folder,
        says=("ratings.csv", "movies.csv"),
        values=(1, 5),
    ),
    Odd(
        "a folder of day files, a column comes and goes",
        "made up after daily exports",
        _days,
        says=("coupon",),
    ),
    Odd("a folder that Spark wrote", "made up", _spark),
    Odd(
        "day folders of Parquet, one with integers for texts",
        "made up after schema changes",
        _parquet_days,
        says=("dt",),
    ),
    Odd(
        "JSON Lines",
        "https://github.com/duckdb/duckdb/pull/3435",
        jsonl(lambda row: {"reviewerID": row["user"], "asin": row["item"], "unixReviewTime": _seconds(row)}),
        says=('time = "unixReviewTime"',),
    ),
    Odd(
        "JSON Lines, gzip",
        "https://github.com/kind-lab/mimic-fhir/issues/119",
        jsonl(
            lambda row: {"user_id": row["user"], "item_id": row["item"], "ts": str(row["at"])},
            name="log.json.gz",
        ),
    ),
    Odd(
        "JSON Lines, one of them cut",
        "https://github.com/kind-lab/mimic-fhir/issues/119",
        _broken_lines,
        rejected=1,
        exact=(),
    ),
    Odd(
        "JSON, one array",
        "https://github.com/informagi/mmead/issues/2",
        jsonl(
            lambda row: {"user": row["user"], "item": row["item"], "time": str(row["at"])},
            name="log.json",
            whole=True,
        ),
    ),
    Odd(
        "JSON, nested",
        "https://github.com/ak--47/toMixpanel/issues/3",
        jsonl(
            lambda row: {
                "userId": row["user"],
                "timestamp": f"{row['at']:%Y-%m-%dT%H:%M:%S}Z",
                "properties": {"product_id": row["item"]},
            }
        ),
        says=('item = "properties.product_id"',),
    ),
    Odd(
        "Python dictionaries for JSON",
        "made up after the first Amazon reviews",
        lambda folder: _python(folder / "log.json"),
        refused="single quotes",
    ),
    Odd(
        "a sheet behind a cover, its header further down",
        "https://github.com/tidyverse/readxl/issues/716",
        sheet(_titled, header=False),
        says=('sheet = "Data"', "skip_rows = 3"),
    ),
    Odd(
        "two sheets of one layout",
        "https://archive.ics.uci.edu/dataset/502/online+retail+ii",
        sheet(lambda frame: {"Year 2009-2010": frame[:60], "Year 2010-2011": frame[60:]}),
        says=('sheet = ["Year 2009-2010", "Year 2010-2011"]',),
    ),
    Odd(
        "text under the name of an Excel file",
        "made up after shops' exports",
        text("user\titem\ttime", "{user}\t{item}\t{time}", name="log.xls"),
        says=(),
    ),
    Odd(
        "a web page under the name of an Excel file",
        "made up after shops' exports",
        lambda folder: _write(folder / "log.xls", "<html><table><tr><td>user</td></tr></table></html>", []),
        refused="web page",
    ),
    Odd("a SQLite database", "made up", lambda folder: _sqlite(folder / "shop.db"), refused="url = 'sqlite"),
    Odd(
        "a dump of a database",
        "https://github.com/osm-search/wikipedia-wikidata/pull/67",
        lambda folder: _write(folder / "shop.sql", "INSERT INTO orders VALUES (1, 2);", []),
        refused="dump of a database",
    ),
    Odd("a web address", "made up", lambda folder: Path("https://shop.org/log.csv"), refused="is an address"),
    # More forms of lines and times
    Odd(
        "a comma before the milliseconds",
        "made up after Python's logging",
        text("user;item;time", "{user};{item};{time},250"),
        refused="needs a time column",
    ),
    Odd(
        "an offset of hours alone",
        "made up after PostgreSQL",
        text("user,item,time", "{user},{item},{time}+00"),
    ),
    Odd(
        "year/month/day with slashes",
        "made up after Japanese tills",
        text("user,item,time", "{user},{item},{time}", time="%Y/%m/%d %H:%M"),
        exact=("user", "item", "day"),
    ),
    Odd(
        "everything in quotes",
        "made up after phpMyAdmin",
        text('"user","item","time"', '"{user}","{item}","{time}"'),
    ),
    Odd(
        "pipes between fields, the ending .txt",
        "made up after mainframes",
        text("user|item|time", "{user}|{item}|{time}", name="log.txt"),
    ),
    Odd(
        "tabs, the ending .tsv", "made up", text("user\titem\ttime", "{user}\t{item}\t{time}", name="log.tsv")
    ),
    Odd(
        "a blank line after each row",
        "made up after editors",
        text("user,item,time", "{user},{item},{time}\n"),
    ),
    Odd(
        "a header in capitals, spaces around its names",
        "made up after Oracle",
        text(" USER_ID , ITEM_ID , EVENT_TIME ", "{user},{item},{time}"),
        says=('user = "USER_ID"',),
    ),
    Odd(
        "stars as 4/5",
        "made up after review sites",
        text("user,item,time,rating", "{user},{item},{time},{stars}/5"),
        says=('kind = "ordinal"',),
    ),
    Odd(
        "a price beside a quantity",
        "made up after shops",
        text("user,item,time,quantity,price", "{user},{item},{time},{n},9.99"),
        says=('value = "quantity"',),
        values=(1.0, 4.0),
    ),
)


def _headerless(path: Path, delimiter: str) -> Path:
    body = [
        delimiter.join([str(row["user"]), str(row["item"]), str(row["stars"]), str(_seconds(row))])
        for row in rows()
    ]
    path.write_text("\n".join(body) + "\n")
    return path


def _python(path: Path) -> Path:
    path.write_text("\n".join(repr({"user": row["user"], "item": row["item"]}) for row in rows()) + "\n")
    return path


def _sqlite(path: Path) -> Path:
    path.write_bytes(b"SQLite format 3\0" + bytes(100))
    return path
