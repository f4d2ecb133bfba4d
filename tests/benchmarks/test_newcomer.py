import pandas as pd
import pytest

from benchmarks.newcomer import _timed, write_orders


def test_write_orders__is_a_log_with_orders_customers_and_repeats(tmp_path):
    write_orders(tmp_path / "orders.csv", 2_000)
    write_orders(tmp_path / "again.csv", 2_000)
    found = pd.read_csv(tmp_path / "orders.csv", dtype=str)

    assert len(found) == 2_000
    assert found.groupby("order_no").customer_no.nunique().eq(1).all()
    assert found.sku.str.fullmatch(r"\d{6}").all()
    assert found.duplicated(["customer_no", "sku"]).any()
    assert (tmp_path / "orders.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()


def test_timed__stops_where_a_command_fails(tmp_path):
    assert _timed("fine", ["true"], tmp_path).seconds >= 0
    with pytest.raises(SystemExit, match="no such file"):
        _timed("lost", ["sh", "-c", "echo no such file; exit 3"], tmp_path)
