"""Files of rows to folders of records: the same records whatever the files, every row accounted for, bad input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rows import frame_of, parts_of, records_by_loop, spec_of
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.rows.ingestion import ingest, write_records
from tfx_sequences.errors import DataError, SpecError, UserInputError

SESSIONS = "{group_by: [user], order_by: ts, session_gap: 30m}"


def records_in(folder):
    return {
        split: sorted(record for path in folder.glob(f"{split}*") for record in read_records(path))
        for split in ("train", "valid", "test")
    }


def together(found):
    return sorted(record for records in found.values() for record in records)


def write(frame, path):
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".zst":
        write(frame, path.with_suffix(""))
        with pa.CompressedOutputStream(str(path), "zstd") as packed:
            packed.write(path.with_suffix("").read_bytes())
        path.with_suffix("").unlink()
    elif ".csv" in path.name:
        frame.to_csv(path, index=False)
    elif ".json" in path.name:
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)


@pytest.mark.parametrize("budget", [1000, 64 << 20])
@pytest.mark.parametrize(
    "names",
    [
        ("a.csv",),
        ("a.csv.gz", "b.csv", "c.csv.bz2"),
        ("a.csv.zst", "b.jsonl.zst"),
        ("a.jsonl", "b.json.gz"),
        ("a.parquet", "b.csv", "c.jsonl"),
    ],
)
def test_any_files_give_the_records_of_a_loop(tmp_path, names, budget):
    frame, spec = frame_of(2000, users=100), spec_of(SESSIONS)
    for name, part in zip(names, parts_of(frame.sample(frac=1, random_state=1), len(names)), strict=True):
        write(part, tmp_path / "rows" / name)
    counts = ingest(spec, tmp_path / "rows", tmp_path / "out", budget=budget, shards=2)
    found = records_in(tmp_path / "out")
    assert together(found) == sorted(records_by_loop(frame, spec, 1800))
    assert {name: len(records) for name, records in found.items()} == counts.records
    assert counts.read == counts.in_records == 2000 and counts.files == len(names)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    # What is written is what the pipeline takes: no record is held back, and each fits the spec.
    report = check_data(spec, tmp_path / "out")
    assert {name: its.records for name, its in report.splits.items()} == counts.records
    assert report.held_back == {}


def test_progress_is_told_while_rows_are_read_and_records_written(tmp_path):
    write(frame_of(2000, users=100), tmp_path / "rows" / "a.parquet")
    write(frame_of(500, users=100), tmp_path / "rows" / "b.csv")
    told = []
    counts = ingest(
        spec_of(),
        tmp_path / "rows",
        tmp_path / "out",
        progress=lambda counts: told.append((counts.read, counts.records.total())),
    )
    assert told[0] == (2000, 0) and told[-1] == (2500, counts.records.total())
    assert told == sorted(told)


def test_splits_by_time_are_those_of_the_check(tmp_path):
    frame = frame_of(300, users=4)
    spec = spec_of(SESSIONS, "splits: {time: ts, valid_from: 1700100000, test_from: 1700150000}")
    write(frame, tmp_path / "rows" / "a.csv")
    counts = ingest(spec, tmp_path / "rows", tmp_path / "out")
    report = check_data(spec, tmp_path / "out")
    assert {name: its.records for name, its in report.splits.items()} == counts.records


@pytest.mark.parametrize("splits", ["", "splits: {time: ts, valid_from: 1700100000, test_from: 1700150000}"])
def test_sessions_of_training_can_stay_whole(tmp_path, splits):
    frame = frame_of(600, users=20)
    write(frame, tmp_path / "rows" / "a.parquet")
    found = {}
    for name, window in {
        "none": "",
        "all": ", window: {steps: 3}",
        "some": ", window: {steps: 3, train: whole}",
    }.items():
        rows = f"{{group_by: [user], order_by: ts, session_gap: 2h{window}}}"
        ingest(spec_of(rows, splits), tmp_path / "rows", tmp_path / name)
        found[name] = records_in(tmp_path / name)
    assert found["some"] == {**found["all"], "train": found["none"]["train"]}
    assert len(found["all"]["train"]) > len(found["none"]["train"])


def test_files_of_splits_are_not_divided(tmp_path):
    frame = frame_of(300)
    for name, part in zip(("train.csv", "valid.csv", "test.csv"), parts_of(frame, 3), strict=True):
        write(part, tmp_path / "rows" / name)
    spec = spec_of()
    ingest(spec, tmp_path / "rows", tmp_path / "out")
    for name, records in records_in(tmp_path / "out").items():
        part = pd.read_csv(tmp_path / "rows" / f"{name}.csv", dtype={"spent": "float32"})
        assert records == sorted(records_by_loop(part, spec))


def test_frames_are_written_as_files_are(tmp_path):
    frame, spec = frame_of(2000, users=100), spec_of(SESSIONS)
    write(frame, tmp_path / "rows" / "a.parquet")
    ingest(spec, tmp_path / "rows", tmp_path / "one")
    counts = write_records((frame.iloc[n : n + 300] for n in range(0, 2000, 300)), spec, tmp_path / "two", shards=3)
    assert records_in(tmp_path / "one") == records_in(tmp_path / "two")
    assert len([*(tmp_path / "two").iterdir()]) == 9 and counts.read == 2000


def csv_with(frame, changed):
    """The text of a CSV file; `changed` maps the number of a row to its text."""
    lines = frame.to_csv(index=False).replace('"two\nlines"', "two").splitlines()
    return "\n".join([lines[0], *(changed.get(n, line) for n, line in enumerate(lines[1:]))]) + "\n"


BAD_ROWS = {
    "another number of values": ("u1,5", "2 values, where the header has 7"),
    "no key": (",1700000000,home,1,NO,3,yes", "no value in 'user'"),
    "no time": ("u1,,home,1,NO,3,yes", "no time in 'ts'"),
    "a time that is none": ("u1,soon,home,1,NO,3,yes", "no time in 'ts'"),
    "mixed types": ("u1,1700000000,home,1,NO,old,yes", "a value of 'age' that is not int64"),
    "a number that is none": ("u1,1700000000,home,1.2.3,NO,3,yes", "a value of 'spent' that is not float32"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_bad_rows_are_counted_named_and_written_aside(tmp_path, case):
    line, reason = BAD_ROWS[case]
    path = tmp_path / "rows.csv"
    path.write_text(csv_with(frame_of(1000, users=60), {4: line, 700: line}))
    counts = ingest(spec_of(), path, tmp_path / "out", rejected=tmp_path / "aside")
    assert counts.rejected == {reason: 2}
    assert [(row.file, row.row, row.line) for row in counts.first] == [(str(path), 4, 6), (str(path), 700, 702)]
    assert (counts.read, counts.in_records) == (1000, 998)
    aside = [json.loads(text) for text in (tmp_path / "aside" / "rejected.jsonl").read_text().splitlines()]
    assert [(row["row"], row["reason"]) for row in aside] == [(4, reason), (700, reason)]
    values = aside[0]["values"]
    assert values == line if isinstance(values, str) else [v or "" for v in values.values()] == line.split(",")


def test_too_many_bad_rows_are_an_error_before_anything_is_written(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(csv_with(frame_of(100), {4: "u1,5", 7: ",1,home,1,NO,3,yes"}))
    with pytest.raises(DataError, match=r"2 of 100 rows(.|\n)*rows.csv, line 6: 2 values(.|\n)*line 9: no value"):
        ingest(spec_of(), path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_a_byte_order_mark_and_quoted_newlines_are_no_errors(tmp_path):
    frame, spec = frame_of(600, users=40), spec_of()
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + frame.to_csv(index=False).encode())
    ingest(spec, path, tmp_path / "out")
    assert together(records_in(tmp_path / "out")) == sorted(records_by_loop(frame, spec))


def test_another_header_in_one_of_the_files(tmp_path):
    frame = frame_of(900, users=40)
    write(frame[:300], tmp_path / "rows" / "a.csv")
    # Another order of columns, and one more, does not matter.
    write(frame[300:][[*reversed(frame.columns)]].assign(more=1), tmp_path / "rows" / "b.csv")
    spec = spec_of()
    ingest(spec, tmp_path / "rows", tmp_path / "out")
    assert together(records_in(tmp_path / "out")) == sorted(records_by_loop(frame, spec))
    write(frame[:5].rename(columns={"user": "usr"}), tmp_path / "rows" / "c.csv")
    counts = ingest(spec, tmp_path / "rows", tmp_path / "again")
    assert counts.rejected == {"no column 'user'": 5}
    assert counts.first[0].file.endswith("c.csv")


def test_an_empty_file_is_no_error_beside_others(tmp_path):
    write(frame_of(300, users=40), tmp_path / "rows" / "a.csv")
    (tmp_path / "rows" / "b.csv").write_text("")
    (tmp_path / "rows" / "c.jsonl").write_text("")
    counts = ingest(spec_of(), tmp_path / "rows", tmp_path / "out")
    assert (counts.files, counts.read) == (3, 300)


def test_too_few_groups_for_all_splits_are_an_error(tmp_path):
    write(frame_of(30, users=1), tmp_path / "rows" / "a.csv")
    with pytest.raises(DataError, match=r"all records with the same|No record is left|has no files"):
        ingest(spec_of(), tmp_path / "rows", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_output_with_files_is_refused(tmp_path):
    with pytest.raises(UserInputError, match="is not empty"):
        write_records(frame_of(5), spec_of(), tmp_path.parent)


def test_patterns_that_records_cannot_have_are_refused_before_reading(tmp_path):
    with pytest.raises(SpecError, match=r"splits\.train"):
        write_records(frame_of(5), spec_of(more="splits: {train: 'x/*'}"), tmp_path / "out")


def test_rows_on_a_file_system_of_tensorflow(tmp_path):
    folder = f"ram://{tmp_path}/rows"
    tf.io.gfile.makedirs(folder)
    frame, spec = frame_of(900, users=40), spec_of()
    for name, part in zip(("a.csv.gz", "b.parquet"), parts_of(frame, 2), strict=True):
        write(part, tmp_path / name)
        tf.io.gfile.copy(str(tmp_path / name), f"{folder}/{name}")
    ingest(spec, folder, tmp_path / "out")
    assert together(records_in(tmp_path / "out")) == sorted(records_by_loop(frame, spec))


@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.sampled_from([300, 2_000, 64 << 20]),
    st.sampled_from([SESSIONS, "{group_by: [user], order_by: ts, window: {steps: 5, stride: 2}}", "time"]),
)
def test_any_rows_in_any_order_in_any_files_give_the_same_records(tmp_path_factory, seed, files, budget, rows):
    folder = tmp_path_factory.mktemp("any")
    splits = "splits: {time: ts, valid_from: 1700100000, test_from: 1700150000}" if rows == "time" else ""
    spec = spec_of(SESSIONS if rows == "time" else rows, splits)
    frame = frame_of(300, users=80)
    expected = records_in_order(spec, frame, folder)
    order = np.random.default_rng(seed).permutation(len(frame))
    for number, part in enumerate(np.array_split(order, files)):
        write(frame.iloc[part], folder / "rows" / f"{number}.{('csv', 'parquet', 'jsonl')[(seed + number) % 3]}")
    ingest(spec, folder / "rows", folder / "out", budget=budget)
    found = records_in(folder / "out")
    assert found == expected
    users, times = {}, {}
    for split, records in found.items():
        parsed = [tf.train.SequenceExample.FromString(record) for record in records]
        users[split] = {its.context.feature["user"].bytes_list.value[0] for its in parsed}
        steps = [step for its in parsed for step in its.feature_lists.feature_list["ts"].feature]
        times[split] = {step.int64_list.value[0] for step in steps}
    if rows == "time":
        # No step of a test window is in training, whoever it is of.
        assert max(times["train"]) < 1700100000 <= min(times["valid"])
        assert max(times["valid"]) < 1700150000 <= min(times["test"])
    else:
        assert not users["train"] & users["valid"] and not (users["train"] | users["valid"]) & users["test"]
        assert {*map(str.encode, frame.user)} == users["train"] | users["valid"] | users["test"]


def records_in_order(spec, frame, folder):
    """The records of the same rows in one file, in the order of time."""
    write(frame.sort_values("ts"), folder / "one" / "rows.parquet")
    ingest(spec, folder / "one", folder / "whole")
    return records_in(folder / "whole")
