"""Rows for tests: a spec, random rows for it as a pandas frame, and the records of a plain loop over them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tfx_sequences.components.serving.requests import serialize_rows
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

SPEC = """
name: visits
id_key: user
context: {country: {type: categorical, num_oov_buckets: 1}, age: {type: numeric, dtype: int64}}
sequence:
  page: {type: categorical, num_oov_buckets: 1}
  spent: {type: numeric}
  ts: {type: time}
label: {key: bought}
"""


WINDOWS = "{group_by: [user], order_by: ts, session_gap: 30m, window: {steps: 6, stride: 3}}"


def spec_of(rows="{group_by: [user], order_by: ts}", more=""):
    return spec_from_yaml(f"{SPEC}rows: {rows}\n{more}")


def frame_of(count, users=7, seed=0):
    """Rows in a random order, with distinct times: times of a user are some minutes apart."""
    random = np.random.default_rng(seed)
    times = np.cumsum(random.integers(1, 2000, count)) + 1_700_000_000
    frame = pd.DataFrame(
        {
            "user": [f"u{n}" for n in random.integers(0, users, count)],
            "ts": times,
            "page": random.choice(["home", "cart", "a,b", 'quoted "x"', "two\nlines"], count),
            "spent": random.normal(size=count).round(3).astype(np.float32),
            "country": random.choice(["NO", "DE"], count),
            "age": random.integers(18, 80, count),
            "bought": random.choice(["yes", "no"], count),
        }
    )
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


def parts_of(frame, number):
    """The frame in parts of consecutive rows."""
    return [frame.iloc[rows] for rows in np.array_split(np.arange(len(frame)), number)]


def records_by_loop(frame, spec, gap=None):
    """Records by pandas and protobuf: groups, sorted by time, cut at gaps in seconds."""
    rows = []
    for user, group in frame.sort_values("ts", kind="stable").groupby("user", sort=True):
        session = (group.ts.diff() > gap).cumsum() if gap else group.ts * 0
        for _, part in group.groupby(session):
            last = part.iloc[-1]
            steps = {name: part[name].tolist() for name in ("page", "spent", "ts")}
            context = {"country": last.country, "age": int(last.age), "bought": last.bought}
            rows.append({"user": user, **context, **steps})
    return serialize_rows(rows, spec)


def users_of(frame):
    """Context and sequence values of users, for the analysis of a model."""
    for user, rows in frame.sort_values("ts").groupby("user"):
        last = rows.iloc[-1]
        context = {"user": user, "country": last.country, "age": int(last.age), "bought": last.bought}
        yield context, {name: rows[name].tolist() for name in ("page", "spent", "ts")}
