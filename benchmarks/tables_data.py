"""A table of events with one row per step, the same for the same seed.

Users have about 25 rows, and one user has a tenth of all rows. Their sessions have about 25 rows, which are minutes
apart; between sessions are hours. The rows are in the order of time, as a log has them, so those of a user are spread
over the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

ROWS_PER_USER = 25
GAP = 1800
SPEC = f"""
name: visits
id_key: user
context: {{country: {{type: categorical, num_oov_buckets: 1}}, age: {{type: numeric, dtype: int64}}}}
sequence:
  page: {{type: categorical, num_oov_buckets: 1}}
  spent: {{type: numeric}}
  ts: {{type: time}}
label: {{key: bought}}
rows: {{group_by: [user], order_by: ts, session_gap: {GAP}}}
"""


def spec() -> SequenceSpec:
    """How the rows become records: a record for each session of a user."""
    return spec_from_yaml(SPEC)


def table_of(folder: Path, rows: int, seed: int = 0) -> Path:
    """The Parquet file with this number of rows; it is made if it is not there.

    Args:
        folder: Where it is kept.
        rows: Their number.
        seed: Equal seeds give equal rows.
    """
    path = folder / f"rows-{rows}-{seed}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    users = random.integers(1, max(2, rows // ROWS_PER_USER), rows)
    users[: rows // 10] = 0
    users.sort()
    between = np.where(
        random.random(rows) < 1 / ROWS_PER_USER,
        GAP + 1 + random.exponential(86_400, rows),
        1 + np.minimum(random.exponential(120, rows), GAP - 1),
    ).astype(np.int64)
    first = np.flatnonzero(np.diff(users, prepend=-1))
    times = np.cumsum(between)
    times -= np.repeat(times[first] - random.integers(0, 30 * 86_400, len(first)), np.diff(first, append=rows))
    order = np.argsort(times, kind="stable")
    with parquet.ParquetWriter(path.with_suffix(".part"), _chunk(random, users[:0], times[:0]).schema) as writer:
        for start in range(0, rows, 500_000):
            some = order[start : start + 500_000]
            writer.write_table(_chunk(random, users[some], times[some] + 1_700_000_000))
    path.with_suffix(".part").rename(path)
    return path


def _chunk(random: np.random.Generator, users: np.ndarray, times: np.ndarray) -> pa.Table:
    def one_of(names: list[str]) -> pa.Array:
        return pa.array(names).take(pa.array(random.integers(0, len(names), len(users))))

    return pa.table(
        {
            "user": pa.array(users).cast(pa.string()),
            "ts": times,
            "page": one_of([f"page{n}" for n in range(1000)]),
            "spent": random.normal(size=len(users)).astype(np.float32),
            "country": one_of(["NO", "DE"]),
            "age": random.integers(18, 80, len(users)),
            "bought": one_of(["yes", "no"]),
        }
    )
