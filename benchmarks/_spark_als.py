"""Spark's ALS for the record, where pyspark can be imported: ``python _spark_als.py PAIRS.parquet FACTORS ITERATIONS THREADS``.

Called with a Python of its own, which need not have this project's packages; prints one JSON object.
"""

import json
import sys
import time


def main(pairs: str, factors: int, iterations: int, threads: int) -> None:
    """Fit with one iteration, which warms up, with one again and with more: the difference is what iterations take."""
    from pyspark import __version__  # type: ignore[import-not-found]
    from pyspark.ml.recommendation import ALS  # type: ignore[import-not-found]
    from pyspark.sql import SparkSession  # type: ignore[import-not-found]

    began = time.perf_counter()
    session = (
        SparkSession.builder.master(f"local[{threads}]")
        .config("spark.driver.memory", "4g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(4 * threads))
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    rows = session.read.parquet(pairs).cache()
    n_rows = rows.count()
    started = time.perf_counter()
    seconds = []
    for n in (1, 1, iterations):
        als = ALS(
            rank=factors,
            maxIter=n,
            implicitPrefs=True,
            userCol="u",
            itemCol="i",
            ratingCol="w",
            alpha=9.0,
            regParam=0.01,
            seed=0,
        )
        at = time.perf_counter()
        als.fit(rows).itemFactors.count()
        seconds.append(time.perf_counter() - at)
    found = {
        "version": __version__,
        "pairs": n_rows,
        "start_seconds": started - began,
        "fit_seconds": seconds,
        "seconds_per_iteration": (seconds[2] - seconds[1]) / (iterations - 1),
    }
    session.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
