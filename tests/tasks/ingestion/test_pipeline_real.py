import duckdb
import pyarrow.parquet as pq
import pytest
from real_logs import real_file

from data_contracts.dataset import DatasetSpec
from tasks.ingestion.pipeline import ingest
from tasks.onboarding.draft import draft
from tasks.sources.files import locate

pytestmark = pytest.mark.real_data


def test_online_retail__every_known_anomaly_is_counted(tmp_path):
    source = real_file("online_retail.parquet")

    facts = ingest(DatasetSpec.load("online_retail"), source, tmp_path, scratch=tmp_path)

    assert facts["rejected"] == {
        "cancellation": 9_288,
        "bad_debt": 3,
        "write_off": 1_336,
        "huge_quantity": 5,
        "no_price": 2_517,
        "no_product": 2_946,
        "exact_duplicate": 5_268,
    }
    assert facts["counted"] == {"anonymous": 135_080, "lower_case_code": 1_977, "stray_spaces": 113_452}
    assert facts["normalised"] == {"stripped": 0, "upper_cased": 1_977}
    assert facts["rows_read"] == facts["rows_accepted"] + facts["rows_rejected"] == 541_909
    assert facts["last_event_time"] == "2011-12-09T12:50:00Z"


def test_online_retail__quarantine_agrees_with_a_plain_query(tmp_path):
    source = real_file("online_retail.parquet")
    ingest(DatasetSpec.load("online_retail"), source, tmp_path, scratch=tmp_path)
    everything = "InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country"
    query = f"""
        SELECT count(*) FROM (
            SELECT *, row_number() OVER (PARTITION BY {everything} ORDER BY place) AS nth
            FROM (SELECT *, file_row_number AS place FROM read_parquet('{source}', file_row_number = true))
        ) WHERE nth > 1 OR starts_with(InvoiceNo, 'C') OR starts_with(InvoiceNo, 'A') OR Quantity < 1
            OR abs(Quantity) > 10000 OR UnitPrice <= 0
            OR NOT regexp_full_match(upper(trim(StockCode)), '[0-9]{{5}}[A-Z]{{0,3}}|DCGS[0-9A-Z]+|PADS')
        """
    with duckdb.connect() as connection:
        ((expected,),) = connection.execute(query).fetchall()

    assert pq.read_metadata(tmp_path / "quarantine.parquet").num_rows == expected


def test_online_retail_reference__drops_cancellations_only(tmp_path):
    source = real_file("online_retail.parquet")

    facts = ingest(DatasetSpec.load("online_retail_reference"), source, tmp_path, scratch=tmp_path)

    assert facts["rejected"] == {"cancellation": 9_288}
    assert facts["rows_accepted"] == 532_621
    codes = pq.read_table(tmp_path / "events.parquet", columns=["item_id"])["item_id"].unique()
    assert {"POST", "15056bl", "15056BL"} <= set(codes.to_pylist())


def test_movielens_small__finds_its_films_beside_the_ratings(tmp_path):
    source = real_file("movielens_small_ratings.csv")
    real_file("movielens_small_movies.csv")

    facts = ingest(DatasetSpec.load("movielens_small"), source, tmp_path, scratch=tmp_path)

    assert (facts["rows_accepted"], facts["rows_rejected"]) == (100_836, 0)
    assert facts["described_items"] == 9_742
    first = pq.read_table(tmp_path / "items.parquet").to_pylist()[0]
    assert first == {
        "item_id": "1",
        "title": "Toy Story (1995)",
        "genres": "Adventure|Animation|Children|Comedy|Fantasy",
    }


def test_movielens_small__a_drafted_dataset_runs(tmp_path):
    toml, suite = draft(real_file("movielens_small_ratings.csv"))
    (tmp_path / "movielens_small_ratings.toml").write_text(toml)
    (tmp_path / "movielens_small_ratings.json").write_text(suite)
    spec = DatasetSpec.load(tmp_path / "movielens_small_ratings.toml")

    facts = ingest(spec, locate(spec), tmp_path, scratch=tmp_path)

    assert facts["rows_accepted"] == 100_836
    assert spec.window.split == "leave_last"
