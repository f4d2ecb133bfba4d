import pytest

from data_contracts.column_sections import ItemAttributes
from data_contracts.dataset import DatasetSpec
from data_contracts.dataset_files import known_names
from data_contracts.errors import ConfigurationError

MINIMAL = """
name = "shop"
[source]
path = "shop.csv"
[columns]
user = "u"
item = "i"
time = "t"
"""

TYPED = (
    MINIMAL
    + """event = "e"
[feedback]
kind = 'event_type'
weights = { view = 1, buy = 10 }
"""
)


def load(folder, text):
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return DatasetSpec.load(path)


@pytest.mark.parametrize("name", known_names())
def test_load__every_shipped_dataset_is_valid_and_named_as_its_file(name):
    spec = DatasetSpec.load(name)

    assert spec.name == name
    assert spec.file.name == f"{name}.toml"


def test_load__fills_in_defaults(tmp_path):
    spec = load(tmp_path, MINIMAL)

    assert [name for name, choice in spec.models.items() if choice.baseline] == [
        "popularity",
        "recent_popularity",
        "personal_frequency",
        "als",
    ]
    assert [name for name, choice in spec.models.items() if not choice.baseline] == ["wals", "bpr", "blend"]
    assert spec.folder == tmp_path
    assert spec.export.k == 10


def test_load__model_keys_become_parameters(tmp_path):
    spec = load(
        tmp_path,
        MINIMAL
        + """
[models.popularity]
baseline = true
[models.recent_popularity]
[models.slow]
kind = "wals"
n_factors = 8
half_life_days = "none"
""",
    )

    assert spec.models["slow"].kind == "wals"
    assert spec.models["slow"].parameters == {"n_factors": 8, "half_life_days": None}
    assert spec.models["popularity"].kind == "popularity"
    assert spec.models["popularity"].parameters == {}


def test_load__does_not_depend_on_where_the_file_lies(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()

    assert load(first, MINIMAL).model_dump() == load(second, MINIMAL).model_dump()


def test_load__unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"unknown dataset 'shpo'; known: .*sample"):
        DatasetSpec.load("shpo")


def test_load__missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nothing\.toml does not exist; `shelftalker init FILE`"):
        DatasetSpec.load(tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", r"shop\.toml is no readable TOML"),
        (MINIMAL + "[cleaning]\nanonymus = 'keep'", r"cleaning\.anonymus = 'keep': there is no such key"),
        (MINIMAL + "[cleaning]\nanonymous = 'drop'", r"cleaning\.anonymous = 'drop': Input should be 'keep'"),
        (MINIMAL.replace('user = "u"', ""), r"columns\.user: Field required"),
        (MINIMAL + "[feedback]\nkind = 'quantity'", r"feedback kind 'quantity' needs a value column"),
        (MINIMAL.replace('time = "t"', ""), r"split 'time' .* needs a time column"),
        (MINIMAL + "[evaluation]\nmetric = 'basket_precision@5'", r"needs a basket column"),
        (MINIMAL + "[evaluation]\nmetric = 'ndcg@7'", r"needs 7 in ks; got \[5, 10\]"),
        (MINIMAL + "[feedback]\nkind = 'rating'", r"a rating needs either threshold or as_weight"),
        (MINIMAL + "[feedback]\nthreshold = 4", r"belong to kind = \"rating\""),
        (MINIMAL + "[feedback]\nkind = 'ordinal'", r"which needs them"),
        (MINIMAL + "[feedback]\nkind = 'ordinal'\nlabels = ['a', 'a']", r"labels must differ"),
        (
            MINIMAL + "[feedback]\nkind = 'event_type'\nweights = { buy = 1 }",
            r"needs an event column: write event =",
        ),
        (TYPED.replace("weights", "# weights"), r"weights needs a type that speaks for an item"),
        (TYPED.replace("'event_type'", "'count'"), r"weights belong to kind = \"event_type\""),
        (MINIMAL + 'event = "e"', r"event under \[columns\] needs kind = \"event_type\""),
        (
            TYPED.replace("view = 1", "view = 0"),
            r"feedback\.weights\.view = 0: .*greater than or equal to 0.00001",
        ),
        (TYPED + "targets = ['order']", r"targets \['order'\] have no weight, .* \['view', 'buy'\]"),
        (TYPED + "negative = { return = 'lower' }", r"'return' lowers, but has no weight: write what one"),
        (TYPED + "negative = { view = 'exclude' }", r"'view' excludes whatever it weighs: take it out"),
        (TYPED + "negative = { view = 'lower', buy = 'lower' }", r"weights needs a type that speaks for"),
        (TYPED + "negative = { hide = 'block' }", r"negative\.hide = 'block': Input should be 'lower' or"),
        (TYPED + "ignore = ['VIEW']", r"'view' and 'VIEW' are one, for capitals do not count"),
        (TYPED + "ignore = [' banner']", r"' banner' has spaces around it"),
        (TYPED + "clip_quantile = 0.9", r"clip_quantile would cut the weights"),
        (TYPED + "threshold = 4", r"a value column needs threshold .* and the other way round"),
        (TYPED.replace('event = "e"', 'event = "e"\nvalue = "v"'), r"a value column needs threshold"),
        (TYPED + "threshold = 4\nas_weight = true", r"cannot both say what a value means"),
        (MINIMAL + "[cancellation]\ncolumn = 'u'", r"write exactly one of starts_with and below"),
        (MINIMAL + "[window]\nsplit = 'file'", r"test_path belongs to split"),
        (MINIMAL + "[window]\nholdout_days = 0", r"window\.holdout_days = 0: .*greater than 0"),
        (MINIMAL + "[models.wals]", r"no model is a baseline"),
        (
            MINIMAL + "[evaluation]\ncold_start = 'nobody'",
            r"cold_start = 'nobody' is none of the models: .*, or add \[models.nobody\]",
        ),
        (
            MINIMAL.replace("[columns]", "timezone = 'London'\n[columns]"),
            r"source\.timezone = 'London': no IANA",
        ),
        (MINIMAL.replace('"shop"', '"a/b"'), r"name = 'a/b'"),
    ],
)
def test_load__problem_names_file_field_and_value(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        load(tmp_path, text)

    assert "shop.toml" in str(caught.value)


def test_load__log_without_times_may_be_split_at_random(tmp_path):
    spec = load(tmp_path, MINIMAL.replace('time = "t"', "") + "[window]\nsplit = 'random'")

    described = set(ItemAttributes.model_fields)
    assert spec.columns.model_dump(exclude_none=True, exclude=described) == {"user": "u", "item": "i"}


ITEMS = '[items]\npath = "items.csv"\nid = "id"\n'


def test_item_attributes__are_those_of_the_log_and_of_the_item_table(tmp_path):
    text = MINIMAL + 'labels = { tags = "," }\nnumbers = ["price"]\n' + ITEMS
    spec = load(
        tmp_path, text + 'attributes = ["maker"]\nlabels = { tags = ",", genres = "|" }\ndates = ["d"]'
    )

    assert spec.item_attributes.kinds() == {
        "maker": "label",
        "tags": "labels ,",
        "genres": "labels |",
        "price": "number",
        "d": "date",
    }
    assert spec.item_attributes.separators() == {"maker": None, "tags": ",", "genres": "|"}
    assert not spec.has_catalogue
    assert load(tmp_path, MINIMAL + ITEMS + "catalogue = true").has_catalogue


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[evaluation]\nmetric = "rmse"', 'needs ratings: write kind = "rating"'),
        ('[evaluation]\nmetric = "coverage@5"', "no values per user"),
        ('[evaluation]\nmetric = "rmse@5"', "unknown metric 'rmse@5'"),
        ('[evaluation]\nmetric = "basket_precision@5"', "needs a basket column"),
        ('[window]\nsplit = "leave_last_basket"', "needs a basket column"),
        ('[window]\nsplit = "random"\n[evaluation]\nmetric = "next_item_accuracy@5"', "events in order"),
        ('[gate]\nfallback = "nobody"', "gate.fallback = 'nobody' is none of the models"),
        (
            '[[gate.rules]]\nname = "good"\nmetric = "mae"\nat_most = 1.0',
            'gate rule .good.: mae needs ratings: write kind = "rating"',
        ),
    ],
)
def test_load__refuses_what_this_log_cannot_answer(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, MINIMAL + text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('labels = { tags = "" }', r"columns\.labels\.tags = '': .*at least 1 character"),
        ('labels = ["tags"]', r"columns\.labels = \['tags'\]: .*valid dictionary"),
        ('numbers = ["x"]\ndates = ["x"]', "x must stand once under attributes, labels, numbers and dates"),
        ('attributes = ["title"]', "'title' cannot be an attribute"),
        (
            'numbers = ["x"]\n' + ITEMS + 'attributes = ["x"]',
            r"'x' is 'number' under \[columns\] and 'label' under \[items\]",
        ),
    ],
)
def test_item_attributes__refuse_what_no_model_could_read(tmp_path, text, message):
    with pytest.raises(ConfigurationError, match=message):
        load(tmp_path, MINIMAL + text)


def test_load__shortens_a_key_of_many_characters(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no such key") as caught:
        load(tmp_path, MINIMAL + f"[cleaning]\n{'9' * 100_000} = 1")
    assert len(str(caught.value)) < 2000
