import json
import re
import tomllib
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_logs import many, write_csv

from data_contracts.column_sections import ItemAttributes
from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from tasks.ingestion.pipeline import ingest
from tasks.onboarding.draft import draft
from tasks.sources.files import locate


def accept(folder, source):
    """Draft, load and ingest: the dataset and the profile."""
    toml, suite = draft(source)
    name = toml.partition('name = "')[2].partition('"')[0]
    (folder / f"{name}.toml").write_text(toml, encoding="utf-8")
    (folder / f"{name}.json").write_text(suite, encoding="utf-8")
    spec = DatasetSpec.load(folder / f"{name}.toml")
    return spec, ingest(spec, locate(spec), folder, scratch=folder)


def lines(n, form):
    return [
        form.format(user=at % 9, item=at % 5, day=1 + at % 28, at=at, rating=1 + at % 5) for at in range(n)
    ]


def test_draft__movie_ratings(tmp_path):
    source = write_csv(
        tmp_path, lines(90, "{user},{item},{rating}.0,9649{at:05}"), header="userId,movieId,rating,timestamp"
    )

    spec, facts = accept(tmp_path, source)

    assert spec.columns.model_dump(exclude_none=True, exclude=set(ItemAttributes.model_fields)) == {
        "user": "userId",
        "item": "movieId",
        "time": "timestamp",
        "value": "rating",
    }
    assert spec.source.time_format == "epoch_seconds"
    assert (spec.feedback.kind, spec.feedback.threshold) == ("rating", 4.0)
    assert spec.window.split == "leave_last"
    assert facts["rows_accepted"] == 90


def test_draft__shop_export_with_cancellations(tmp_path):
    rows = lines(60, "5363{at:02};8512{item}A;Mug {item};{rating};{day}.3.2011 08:26;2,55;1785{user}")
    rows[7] = "C536307;85122A;Mug 2;-1;13.3.2011 08:26;2,55;17857"
    header = "InvoiceNo;StockCode;Description;Quantity;InvoiceDate;UnitPrice;CustomerID"

    spec, facts = accept(tmp_path, write_csv(tmp_path, rows, name="my shop.csv", header=header))

    assert spec.name == "my_shop"
    assert spec.columns.model_dump(exclude_none=True, exclude=set(ItemAttributes.model_fields)) == {
        "user": "CustomerID",
        "item": "StockCode",
        "time": "InvoiceDate",
        "value": "Quantity",
        "basket": "InvoiceNo",
        "title": "Description",
    }
    assert spec.source.time_format == "%d.%m.%Y %H:%M"
    assert spec.cancellation.starts_with == "C"
    assert spec.feedback.kind == "quantity"
    assert spec.evaluation.metric == "basket_precision@5"
    assert facts["rejected"] == {"cancellation": 1}


def test_draft__web_events_with_labels_and_long_ids(tmp_path):
    kinds = ("view", "addtocart", "transaction")
    rows = [f"14332210785{at:02},{at % 9 + 10**18},{kinds[at % 3]},{at % 5}" for at in range(90)]

    spec, facts = accept(tmp_path, write_csv(tmp_path, rows, header="timestamp,visitorid,event,itemid"))

    assert spec.source.time_format == "epoch_milliseconds"
    assert spec.columns.event == "event"
    assert spec.feedback.weights == {"view": 1, "addtocart": 3, "transaction": 10}
    assert spec.feedback.targets == ("transaction",)
    assert facts["rows_accepted"] == 90


def test_draft__splits_by_time_where_people_come_back(tmp_path):
    rows = [
        f"u{user},i{day % 7},2024-{month:02}-{day:02} 10:00"
        for user in range(120)
        for month, day in ((1, 5), (6, 5), (6, 20))
    ]

    spec, _ = accept(tmp_path, write_csv(tmp_path, rows))

    assert spec.window.split == "time"
    assert spec.evaluation.decides == "repeat"


def test_draft__guesses_user_and_item_by_content_and_splits_at_random_without_times(tmp_path):
    table = pa.table(
        {"who": [at % 9 for at in range(90)], "what": [f"x{at % 5}" for at in range(90)], "note": range(90)}
    )
    pq.write_table(table, tmp_path / "log.parquet")

    spec, facts = accept(tmp_path, tmp_path / "log.parquet")

    assert spec.columns.model_dump(exclude_none=True, exclude=set(ItemAttributes.model_fields)) == {
        "user": "who",
        "item": "what",
    }
    assert spec.window.split == "random"
    assert facts["rows_accepted"] == 90


def test_draft__finds_other_encodings(tmp_path):
    source = tmp_path / "log.csv"
    source.write_bytes(
        b"user,item,time\n" + "\n".join(many(30)).encode() + "\nJosé,i1,2024-01-01\n".encode("cp1252")
    )

    spec, facts = accept(tmp_path, source)

    assert spec.source.encoding == "cp1252"
    assert facts["rows_accepted"] == 31


def test_draft__every_rule_of_the_suite_explains_itself(tmp_path):
    _, suite = draft(write_csv(tmp_path, many(30)))

    assert all(
        {"reason", "rule", "tolerance"} <= set(entry["meta"]) for entry in json.loads(suite)["expectations"]
    )


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, ConfigurationError, r"log\.csv does not exist"),
        ("", ContractError, r"log\.csv is empty"),
        ("user,item\n", ContractError, r"log\.csv holds no row below its header"),
        (
            "price,height\n1.5,2.5\n2.5,2.5\n",
            ConfigurationError,
            r"no column of .*log\.csv looks like a user .*price",
        ),
    ],
)
def test_draft__says_what_it_cannot_describe(tmp_path, content, error, message):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_text(content)

    with pytest.raises(error, match=message):
        draft(path)


@pytest.mark.parametrize(
    ("warm", "recent", "roles", "split"),
    [
        (400, 900, ("basket",), "time"),
        (40, 60, (), "time"),
        (400, 9_000, ("basket",), "leave_last_basket"),
        (400, 9_000, (), "leave_last"),
        (12, 20, ("basket",), "leave_last_basket"),
    ],
)
def test_window__a_share_of_the_users_must_have_been_there_before(warm, recent, roles, split):
    from tasks.onboarding.texts import Draft, _window

    named = {"user": "u", "item": "i", "time": "t", **{role: role for role in roles}}
    found = SimpleNamespace(
        roles=named, counts={"warm_users": warm, "recent_users": recent}, unread_times=False
    )
    found.splits_by_time = Draft.splits_by_time.fget(found)

    assert tomllib.loads("\n".join(_window(found)))["split"] == split


def test_draft__of_availability_is_commented_and_holds_when_it_is_not(tmp_path):
    rows = lines(90, "u{user},i{item},2024-01-{day:02},yes,2030-01-01")
    source = write_csv(tmp_path, rows, header="user_id,item_id,date,in_stock,valid_to")

    spec, _ = accept(tmp_path, source)

    assert spec.rules is None
    text = spec.file.read_text()
    assert "# [rules]" in text
    spec.file.write_text(
        text.replace("# [rules]", "[rules]").replace("# available", "available"), encoding="utf-8"
    )
    ruled = DatasetSpec.load(spec.file)
    assert (ruled.rules.available, ruled.rules.available_until) == ("in_stock", "valid_to")
    ingest(ruled, locate(ruled), tmp_path, scratch=tmp_path)
    assert pq.read_table(tmp_path / "items.parquet").column_names == [
        "item_id",
        "title",
        "in_stock",
        "valid_to",
    ]


def test_draft__without_such_columns_names_none_for_rules(tmp_path):
    source = write_csv(tmp_path, many(90))

    assert "# available = ... " in draft(source)[0].partition("# [rules]")[2]


def test_draft__types_that_nobody_knows_are_named_and_left_out(tmp_path):
    kinds = ("view", "view", "view", "buy", "swirl", "Buy")
    rows = [f"{at % 9},{at % 5},2024-01-{1 + at % 28:02},{kinds[at % 6]}" for at in range(90)]

    spec, facts = accept(tmp_path, write_csv(tmp_path, rows, header="user,item,time,action"))
    toml, _ = draft(tmp_path / "log.csv")

    assert spec.feedback.weights in ({"view": 1, "buy": 10}, {"view": 1, "Buy": 10})
    assert "WARNING: what these types of 'action' mean is not known" in toml
    assert "'swirl' (15 rows)" in toml
    assert any("'swirl' (15)" in said for said in facts["warnings"])


def test_draft__a_session_of_views_and_purchases_is_a_basket(tmp_path):
    kinds = ("view", "view", "cart", "purchase")
    rows = [
        f"2024-01-{1 + at % 28:02} 10:00:00 UTC,{kinds[at % 4]},{at % 5},{at % 9},s{at // 4}"
        for at in range(96)
    ]
    header = "event_time,event_type,product_id,user_id,user_session"

    spec, _ = accept(tmp_path, write_csv(tmp_path, rows, header=header))

    assert spec.columns.basket == "user_session"
    assert spec.feedback.target_types == ("purchase",)


def test_draft__a_price_beside_the_types_is_no_weight_and_said_to_be_unused(tmp_path):
    kinds = ("view", "purchase")
    rows = [f"{at % 9},{at % 5},2024-01-{1 + at % 28:02},{kinds[at % 2]},{at % 3}" for at in range(90)]

    toml, _ = draft(write_csv(tmp_path, rows, header="user,item,time,event,quantity"))

    assert "not used: 'quantity' (events weigh by their type alone)" in toml
    assert 'value = "quantity"' not in toml


def test_draft__lists_the_keys_of_its_own_sections_that_are_as_by_default(tmp_path):
    rows = "".join(f"u{n % 40},i{n % 7},2025-01-{n % 28 + 1:02},b{n}\n" for n in range(400))
    (tmp_path / "log.csv").write_text("user,item,date,basket\n" + rows)
    toml, suite = draft(tmp_path / "log.csv")
    own = toml.partition("# All that follows")[0]
    more = re.findall(r"^# (\w+ = (?!\.\.\.|\"\.\.\.).*)$", own, re.MULTILINE)
    stated = re.sub(r"^# (\w+ = (?!\.\.\.|\"\.\.\.|\"items).*)$", r"\1", own, flags=re.MULTILINE)
    (tmp_path / "log.json").write_text(suite)
    for name, text in (("silent", toml), ("stating", stated)):
        (tmp_path / f"{name}.toml").write_text(text)

    silent, stating = (DatasetSpec.load(tmp_path / f"{name}.toml") for name in ("silent", "stating"))

    assert len(more) > 15
    assert {"delimiter", "ks", "strip_ids"} <= {line.split()[0] for line in more}
    assert "sheet" not in own
    assert stating.model_copy(update={"file": silent.file}) == silent
    assert len(toml.splitlines()) < 200
