"""One way from a table of rows to files of SequenceExamples, in a process of its own: python tables_routes.py WAY FILE

Each way writes the same records; the figures have a digest of them, which does not depend on their order.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tables_data

STEPS, CONTEXT = ("page", "spent", "ts"), ("user", "country", "age", "bought")


def ours(file: Path, folder: Path) -> Callable[[], None]:
    """`tfx-sequences ingest`."""
    from tfx_sequences.components.rows.ingestion import ingest

    spec = tables_data.spec()
    return lambda: ingest(spec, file, folder / "records") and None


def pandas(file: Path, folder: Path) -> Callable[[], None]:
    """Sort, find the sessions, and group by them."""
    import pandas as pd

    def run() -> None:
        frame = pd.read_parquet(file).sort_values(["user", "ts"], kind="stable")
        new = (frame.user != frame.user.shift()) | (frame.ts.diff() > tables_data.GAP)
        groups = frame.groupby(new.cumsum(), sort=False)
        _write(folder, ({n: part[n].tolist() for n in (*STEPS, *CONTEXT)} for _, part in groups))

    return run


def polars(file: Path, folder: Path) -> Callable[[], None]:
    """Sort, find the sessions, and lists of each."""
    import polars as pl

    def run() -> None:
        session = (pl.col("user") != pl.col("user").shift()) | (pl.col("ts").diff() > tables_data.GAP)
        lists = (
            pl.read_parquet(file)
            .sort(["user", "ts"], maintain_order=True)
            .with_columns(session.fill_null(True).cum_sum().alias("session"))
            .group_by("session", maintain_order=True)
            .agg(pl.col(*STEPS), *(pl.col(name).last() for name in CONTEXT))
        )
        _write(folder, lists.iter_rows(named=True))

    return run


def duckdb(file: Path, folder: Path) -> Callable[[], None]:
    """The same in SQL, read in batches."""
    import duckdb

    before = "PARTITION BY user ORDER BY ts"
    lists = ", ".join(f"list({name} ORDER BY ts) AS {name}" for name in STEPS)
    last = ", ".join(f"last({name} ORDER BY ts) AS {name}" for name in CONTEXT if name != "user")
    query = f"""
        SELECT user, {lists}, {last} FROM (
            SELECT *, sum(new) OVER ({before}) AS session FROM (
                SELECT *, CASE WHEN ts - lag(ts) OVER ({before}) > {tables_data.GAP} THEN 1 ELSE 0 END AS new
                FROM read_parquet('{file}')))
        GROUP BY user, session"""

    def run() -> None:
        connection = duckdb.connect()
        connection.execute(f"SET temp_directory = '{folder}'")
        rows = connection.execute(query)
        names = [column[0] for column in rows.description]
        batches = iter(lambda: rows.fetchmany(10_000), [])
        _write(folder, (dict(zip(names, row, strict=True)) for batch in batches for row in batch))

    return run


WAYS = {"ours": ours, "pandas": pandas, "polars": polars, "duckdb": duckdb}


def _write(folder: Path, records: Iterable[dict[str, Any]]) -> None:
    """Writes records as one does by hand; values of the context may be lists, of which the last counts."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(folder / "all.tfrecord")) as writer:
        for values in records:
            record = tf.train.SequenceExample()
            for name in STEPS:
                steps = record.feature_lists.feature_list[name].feature
                for value in values[name]:
                    _add(steps.add(), value)
            for name in CONTEXT:
                value = values[name]
                _add(record.context.feature[name], value[-1] if isinstance(value, list) else value)
            writer.write(record.SerializeToString(deterministic=True))


def _add(feature: Any, value: Any) -> None:
    if isinstance(value, str):
        feature.bytes_list.value.append(value.encode())
    elif isinstance(value, float):
        feature.float_list.value.append(value)
    else:
        feature.int64_list.value.append(value)


def _digest(folder: Path) -> tuple[int, str]:
    """The number of records, and the sum of their hashes."""
    from tfx_sequences.components.records.framing import read_records

    count = total = 0
    for path in folder.rglob("*.tfrecord"):
        for record in read_records(path):
            count += 1
            total += int.from_bytes(hashlib.blake2b(record, digest_size=8).digest(), "little")
    return count, f"{total % (1 << 64):016x}"


def _peak_mib() -> float:
    # Not `ru_maxrss`, which a new process takes over from the one that starts it.
    [line] = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def main(way: str, file: str) -> None:
    """Runs one way and prints its figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = WAYS[way](Path(file), folder)
        if way != "ours":
            import tensorflow as tf

            tf.io.TFRecordWriter(str(folder / "warm")).close()
        imported = _peak_mib()
        before = resource.getrusage(resource.RUSAGE_SELF)
        started = time.perf_counter()
        run()
        wall = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        figures = {
            "wall_seconds": wall,
            "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "imported_mib": imported,
            "peak_mib": _peak_mib(),
        }
        figures["records"], figures["digest"] = _digest(folder)
        print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
