import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.dataset import DatasetSpec
from data_contracts.errors import ConfigurationError, ContractError
from data_contracts.rules_section import RulesSection
from data_contracts.shop_rules import ItemIdForm, ShopRules
from tasks.ingestion.normalization import item_id
from tasks.rules.id_files import clean, item_ids, read_bytes

PLAIN = ItemIdForm(strip=True, upper=False, integer=False, decimal=".", null_values=())


@given(
    st.lists(
        st.one_of(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
            st.from_regex(r"\A ?-?[0-9]{1,4}[.,]0* ?\Z"),
        )
    ),
    st.booleans(),
    st.sampled_from(["text", "integer"]),
)
def test_clean__is_what_ingestion_makes_of_the_log(texts, strip, form):
    spec = DatasetSpec.load("sample")
    cleaning = spec.cleaning.model_copy(
        update={"strip_ids": strip, "upper_case_items": False, "id_format": form}
    )
    spec = spec.model_copy(
        update={"cleaning": cleaning, "source": spec.source.model_copy(update={"null_values": ("NULL", "1")})}
    )

    with duckdb.connect() as connection:
        expected = [
            connection.execute(
                f"SELECT {item_id('t', 'VARCHAR', spec)} FROM (SELECT ? AS t)", [text]
            ).fetchall()[0][0]
            for text in texts
        ]

    ids = ShopRules.of(spec, RulesSection(), None, None).ids
    assert [clean(text, ids) for text in texts] == expected


def test_clean__capitals_letter_by_letter():
    form = PLAIN.model_copy(update={"upper": True})

    assert clean(" 85123a ", form) == "85123A"


def test_item_ids__one_a_line_whatever_the_line_ends():
    assert item_ids(b"\xef\xbb\xbfa\r\n\n b \nc", PLAIN, "f") == {"a", "b", "c"}


def test_item_ids__of_another_encoding_names_the_file():
    with pytest.raises(ContractError, match=r"gone.txt is no UTF-8 \(byte 1\)"):
        item_ids(b"a\xff", PLAIN, "gone.txt")


def test_read_bytes__of_no_file_says_what_to_do(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"rules.withdrawn: .*gone.txt cannot be read .*put it there"
    ):
        read_bytes(tmp_path / "gone.txt", "withdrawn")
