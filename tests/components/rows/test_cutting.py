"""Cuts against a plain loop over sorted rows, and pandas."""

from __future__ import annotations

import bisect

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_sequences.components.rows.cutting import CutRules, cut_rows, windows
from tfx_sequences.schemas.spec.rows import RowWindow

WINDOWS = st.none() | st.builds(
    RowWindow,
    steps=st.integers(1, 4),
    stride=st.none() | st.integers(1, 6),
    partial=st.sampled_from(["keep", "drop"]),
)


def by_loop(groups, times, splits, rules):
    """Records as (rows, label row), and counts, as the documentation says it, row by row."""
    rows = sorted(range(len(groups)), key=lambda n: (groups[n], splits[n], times[n], n))
    parts: dict = {}
    for row in rows:
        parts.setdefault((groups[row], splits[row]), []).append(row)
    records, cut = [], 0
    for part in parts.values():
        sessions = []
        for place, row in enumerate(part):
            gap = place and times[row] - times[part[place - 1]]
            if not place or (rules.session_gap is not None and gap > rules.session_gap):
                sessions.append([])
            sessions[-1].append(place)
        for session in sessions:
            if len(session) < rules.min_steps:
                continue
            pieces = [session]
            if rules.window:
                steps, stride = rules.window.steps, rules.window.step_between
                pieces, begin = [], 0
                while begin < len(session):
                    pieces.append(session[begin : begin + steps])
                    if begin + steps >= len(session) and stride < steps:
                        break
                    begin += stride
                if rules.window.partial == "drop":
                    pieces = [piece for piece in pieces if len(piece) == steps]
            for piece in pieces:
                if rules.label_at == "next":
                    label = piece[-1] + 1
                elif rules.label_at == "as_of":
                    label = (
                        bisect.bisect_right([times[r] for r in part], times[part[piece[-1]]] + rules.label_after) - 1
                    )
                else:
                    label = piece[0 if rules.label_at == "first" else -1]
                if label < len(part):
                    records.append(([part[place] for place in piece], part[label]))
    used = {row for record, _ in records for row in record}
    cut = len(rows) - len(used)
    return records, cut


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 1)), min_size=1, max_size=25),
    WINDOWS,
    st.none() | st.integers(0, 3),
    st.integers(1, 3),
    st.sampled_from(["first", "last", "next", "as_of"]),
    st.integers(0, 5),
)
def test_cuts_are_those_of_a_loop(rows, window, gap, least, at, after):
    groups, times, splits = (np.array(column) for column in zip(*rows, strict=True))
    rules = CutRules(gap, window, least, at, after if at == "as_of" else 0)
    cuts = cut_rows(groups, times, splits, np.arange(len(rows)), rules)
    expected, cut = by_loop(groups.tolist(), times.tolist(), splits.tolist(), rules)
    found = [
        (cuts.order[start:stop].tolist(), int(cuts.order[label]))
        for start, stop, label in zip(cuts.starts, cuts.stops, cuts.labels, strict=True)
    ]
    assert found == expected
    assert sum(cuts.cut.values()) == cut
    assert cuts.covered + cut == len(rows)
    assert cuts.groups == len(set(groups.tolist()))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=30))
def test_ties_and_times_that_go_backwards_are_those_of_pandas(rows):
    frame = pd.DataFrame(rows, columns=["group", "time"])
    cuts = cut_rows(frame.group.to_numpy(), frame.time.to_numpy(), None, np.arange(len(frame)), CutRules())
    assert cuts.ties == frame.duplicated().sum()
    assert cuts.backwards == (frame.groupby("group").time.diff() < 0).sum()
    # Ties keep the order in which they were read.
    expected = frame.sort_values(["group", "time"], kind="stable").index
    assert cuts.order.tolist() == expected.tolist()


def test_without_times_rows_keep_their_order():
    cuts = cut_rows(np.array([1, 0, 1]), None, None, np.array([5, 6, 4]), CutRules())
    assert cuts.order.tolist() == [1, 2, 0]
    assert (cuts.ties, cuts.backwards) == (0, 0)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (RowWindow(steps=4), [(0, 4), (4, 8), (8, 10)]),
        (RowWindow(steps=4, partial="drop"), [(0, 4), (4, 8)]),
        (RowWindow(steps=4, stride=3), [(0, 4), (3, 7), (6, 10)]),
        (RowWindow(steps=2, stride=6), [(0, 2), (6, 8)]),
        (RowWindow(steps=20), [(0, 10)]),
        (RowWindow(steps=20, partial="drop"), []),
    ],
)
def test_windows(window, expected):
    starts, stops = windows(np.array([0]), np.array([10]), window)
    assert list(zip(starts.tolist(), stops.tolist(), strict=True)) == expected


def test_no_rows_are_no_records():
    nothing = np.zeros(0, np.int64)
    cuts = cut_rows(nothing, nothing, None, nothing, CutRules(window=RowWindow(steps=2), label_at="next"))
    assert len(cuts.starts) == cuts.groups == cuts.covered == 0
