"""An iteration of Spark's ALS on the entries that the WALS case trains on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.interactions import GroupedMatrix

SCRIPT = Path(__file__).with_name("_spark_als.py")
ROW_GROUP = 500_000


def spark_als(
    matrix: GroupedMatrix, factors: int, iterations: int, threads: int, python: str, folder: Path
) -> dict[str, Any]:
    """Seconds of Spark with as many threads, or under ``absent`` why there are none.

    Spark solves each row exactly, and knows no weight of unobserved entries but 1: `alpha` 9 and more gives observed
    entries the ratio to it that the WALS case has at 0.1.
    """
    if subprocess.run([python, "-c", "import pyspark"], capture_output=True, check=False).returncode:
        return {"absent": f"{python} has no pyspark: name a Python that has, with --spark-python"}
    rows = matrix.by_user
    users = np.repeat(np.arange(matrix.n_users, dtype=np.int32), np.diff(rows.indptr))
    table = pa.table({"u": users, "i": rows.indices.astype(np.int32), "w": rows.values.astype(np.float32)})
    pq.write_table(table, folder / "pairs.parquet", row_group_size=ROW_GROUP)
    command = [python, str(SCRIPT), str(folder / "pairs.parquet"), *map(str, (factors, iterations, threads))]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_environment(python), cwd=folder
    )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return {"absent": f"Spark failed: {(done.stderr.strip().splitlines() or ['no reason said'])[-1]}"}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _environment(python: str) -> dict[str, str]:
    return {**os.environ, "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": python}
