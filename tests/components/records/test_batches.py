"""Batches of records: their bounds, their rows, and the record at fault where the vectorised parse fails."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.components.records.small_records import (
    NUMBER,
    TOKEN,
    error_of,
    filled,
    good,
    record,
    replaced,
    spec_of,
    write,
)
from tests.records import example, write_records
from tfx_sequences.components.records import batches as record_batches
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.schemas.columns.column import CategoricalColumn, TextColumn
from tfx_sequences.schemas.features.parse_specs import parse_records


def test_batches_are_bounded_in_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_BYTES", 100)
    path = write_records(tmp_path / "train.tfrecord", [b"x" * 60] * 5)
    assert [(b.first, len(b)) for b in record_batches.batches(path, spec_of())] == [(0, 2), (2, 2), (4, 1)]


@pytest.mark.parametrize("junk", [b"hello world", b"\xff\xfe\xfd"])
def test_bytes_that_are_neither_beyond_the_sample(tmp_path, junk):
    message = error_of(spec_of(), write(tmp_path, replaced(good(400), _333=junk)))
    assert "Record 333 of" in message
    assert "does not contain features" in message


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_another_dtype_beyond_the_sample(tmp_path, kind):
    def of(index: int, steps: list[Any]) -> Any:
        if kind == "SequenceExample":
            return record(index, token=steps)
        return example({"id": f"r{index}", "class": "ab"[index % 2], "token": steps})

    records = [of(i, ["x", "y"]) for i in range(3000)]
    records[2900] = of(2900, [1, 2])
    message = error_of(spec_of(record=kind), write(tmp_path, records))
    assert "sequence.token has a different dtype" in message
    assert "int64 in record 2900 ('r2900') of" in message


def test_another_dtype_in_a_later_step(tmp_path):
    message = error_of(spec_of(), write(tmp_path, replaced(good(), _6=record(6, token=["x", 5]))))
    assert "int64 in record 6 ('r6') of" in message


@pytest.mark.parametrize("empty", ["bytes_list", "float_list", None])
@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_optional_context_feature_without_a_value(tmp_path, empty, kind):
    # Left out it is fine; there but empty, the pipeline's parse would fail deep inside.
    column, value = ({**NUMBER, "default_value": 0.0}, 1.0) if empty == "float_list" else (TOKEN, "v")
    records: list[Any] = []
    for i in range(6):
        extra = {"extra": value} if i == 1 else {}
        if kind == "SequenceExample":
            records.append(record(i, extra))
        else:
            records.append(example({"id": f"r{i}", "class": "ab"[i % 2], "token": ["x"], **extra}))
    features = records[4].context if kind == "SequenceExample" else records[4].features
    if empty:
        getattr(features.feature["extra"], empty).SetInParent()
    else:
        features.feature["extra"].SetInParent()
    spec = spec_of(record=kind, context={"extra": column})
    serialized = tf.constant([r.SerializeToString() for r in records])
    write(tmp_path, records)
    if kind == "Example" and empty is None:  # the one that is read as missing
        parse_records(serialized, spec)
        check_data(spec, filled(tmp_path))
        return
    with pytest.raises(tf.errors.InvalidArgumentError):
        parse_records(serialized, spec)
    message = error_of(spec, tmp_path)
    assert "context.extra is present, but without a value." in message
    assert "an empty list in record 4 ('r4') of" in message


def test_index_counts_from_the_start_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "_BATCH_RECORDS", 4)
    records = [record(i, {"class": None if i in (6, 9) else "ab"[i % 2]}) for i in range(12)]
    message = error_of(spec_of(), write(tmp_path, records))
    assert "2 records, the first: 6 ('r6'), 9 ('r9') of" in message


def test_rows_find_their_records():
    rows = record_batches.Rows(tf.range(5), (tf.constant([0, 0, 2, 4]).numpy(), tf.constant([0, 1, 3, 3, 5]).numpy()))
    assert rows.records_of_values(np.arange(5)).tolist() == [1, 1, 1, 2, 2]
    assert rows.records_of_rows(np.arange(4)).tolist() == [1, 1, 2, 2]
    assert rows.counts.tolist() == [1, 2, 0, 2]


@pytest.mark.parametrize(
    ("column", "values", "splits", "expected"),
    [
        (TextColumn(key="x"), ["one two", "", "three"], [[0, 1, 1, 3]], [[b"one", b"two"], [], [b"three"]]),
        (CategoricalColumn(key="x", lowercase=True), ["Ä", "B"], [[0, 2]], [["ä".encode(), b"b"]]),
        (CategoricalColumn(key="x"), ["A"], [[0, 0, 1]], [[], [b"A"]]),
    ],
)
def test_terms_are_the_tokens_or_the_values(column, values, splits, expected):
    rows = record_batches.term_rows(record_batches.Rows(tf.constant(values), tuple(map(np.array, splits))), column)
    assert [rows.values[a:b].tolist() for a, b in itertools.pairwise(rows.splits[-1])] == expected
