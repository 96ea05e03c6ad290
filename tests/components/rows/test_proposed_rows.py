"""Tables of a known structure give a spec with that structure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tfx_sequences.components.rows.frames import records_from_rows
from tfx_sequences.components.rows.proposed_rows import propose_rows
from tfx_sequences.errors import DataError, SpecError


def visits(users=60, seed=0):
    """Sessions of some rows, seconds apart, with hours between them; country is the user's, label the session's."""
    random, rows = np.random.default_rng(seed), []
    for user in range(users):
        time = 1_700_000_000 + int(random.integers(0, 10**6))
        for _ in range(int(random.integers(2, 5))):
            time += int(random.integers(6 * 3600, 50 * 3600))
            label = "yn"[int(random.integers(2))]
            for _ in range(int(random.integers(4, 9))):
                time += int(random.integers(2, 120))
                rows.append(
                    {
                        "event_id": f"e{len(rows)}",
                        "user_id": f"u{user}",
                        "at": pd.Timestamp(time, unit="s"),
                        "page": "abc"[int(random.integers(3))],
                        "seconds": random.exponential(),
                        "clicks": int(random.integers(9)),
                        "country": "ND"[user % 2],
                        "source": "web",
                        "label": label,
                    }
                )
    return pd.DataFrame(rows)


def test_the_structure_of_a_table_is_found():
    frame = visits()
    proposal = propose_rows(frame.sample(frac=1, random_state=0), name="visits")
    spec = proposal.spec
    assert (spec.rows.group_by, spec.rows.order_by, spec.id_key) == (("user_id",), "at", "user_id")
    assert spec.rows.session_gap in ("10m", "30m", "1h", "2h")
    assert {name: column.type for name, column in spec.sequence.items()} == {
        "at": "time",
        "page": "categorical",
        "seconds": "numeric",
        "clicks": "numeric",
    }
    assert list(spec.context) == ["country"]
    assert (spec.label.key, spec.label.per_step) == ("label", False)
    assert {note.about for note in proposal.left_out} == {"event_id", "source"}
    text = proposal.to_yaml()
    assert "# Guessed: its values are times." in text and "# Integers, treated as quantities" in text
    # The spec fits its rows: a record per session.
    records = records_from_rows(frame, spec)
    sessions = (frame.sort_values(["user_id", "at"]).groupby("user_id")["at"].diff() > pd.Timedelta("3h")).sum() + 60
    assert len(records) == sessions and not records.counts.rejected


def test_text_of_a_csv_is_as_good_as_typed_columns():
    frame = visits()
    typed, text = propose_rows(frame), propose_rows(frame.astype(str))
    assert typed.spec == text.spec


def test_labels_that_differ_within_records_are_of_steps():
    frame = visits().assign(label=lambda x: np.arange(len(x)) % 3)
    proposal = propose_rows(frame)
    assert (proposal.spec.label.per_step, proposal.spec.label.dtype) == (True, "int64")
    assert "# Its values differ between the rows of a record" in proposal.to_yaml()


def test_what_is_named_is_not_guessed():
    frame = visits().rename(columns={"user_id": "who", "at": "when", "label": "bought"})
    with pytest.raises(SpecError, match="--group"):
        propose_rows(frame)
    with pytest.raises(SpecError, match=r"Add one of: .*--label bought"):
        propose_rows(frame, group_by=["who"])
    spec = propose_rows(frame, group_by=["who"], label="bought", order_by="clicks").spec
    assert (spec.rows.group_by, spec.rows.order_by, spec.rows.session_gap) == (("who",), "clicks", None)
    with pytest.raises(SpecError, match="Did you mean 'bought'"):
        propose_rows(frame, group_by=["who"], label="bougt")


def test_evenly_spaced_times_have_no_sessions():
    times = pd.date_range("2024-01-01", periods=200, freq="60min")
    frame = pd.DataFrame({"sensor_id": np.repeat(["a", "b"], 200), "time": [*times, *times], "x": np.random.rand(400)})
    spec = propose_rows(frame.assign(target=np.random.rand(400)), label="target").spec
    assert spec.rows.session_gap is None
    assert (spec.label.type, spec.label.per_step) == ("regression", True)


def test_no_rows_and_no_steps_are_errors():
    with pytest.raises(DataError, match="table is empty"):
        propose_rows(visits()[:0])
    frame = pd.DataFrame({"user_id": [1, 1, 2, 2], "age": [3, 3, 4, 4], "label": [0, 0, 1, 1]})
    with pytest.raises(SpecError, match="nothing to read step by step"):
        propose_rows(frame)
