"""Synthesized records are accepted by the check of records, and parsed by TensorFlow."""

from __future__ import annotations

import pytest
import tensorflow as tf

from tests.everything import everything_spec
from tests.labels import labels_spec
from tests.records import write_records
from tests.rows import spec_of
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.rows.synthesis import synthesize
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_from_yaml

SPECS = {
    "everything": everything_spec,
    "all labels": labels_spec,
    "rows": spec_of,
    "vowels": lambda: load_spec("japanese_vowels"),
    "sentences": lambda: load_spec("sentence_polarity"),
    "examples": lambda: spec_of().model_copy(update={"record": "Example"}),
    "a distribution": lambda: spec_from_yaml(
        "name: s\nsequence: {x: {type: numeric}}\nlabel: {key: y, type: distribution, shape: [4]}"
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_the_check_accepts_them(name, tmp_path):
    spec = SPECS[name]()
    for seed, split in enumerate(("train", "valid", "test")):
        write_records(tmp_path / f"{split}.tfrecord", synthesize(spec, 150, seed=seed))
    report = check_data(spec, tmp_path)
    assert [figures.records for figures in report.splits.values()] == [150, 150, 150]
    if "text" not in {column.type for column in spec.columns.values()}:
        assert report.splits["train"].length_max <= 20


def test_lengths_are_those_that_are_asked_for():
    spec = load_spec("japanese_vowels")
    records = synthesize(spec, 200, shortest=3, longest=5)
    parsed = [tf.train.SequenceExample.FromString(record) for record in records]
    assert {len(record.feature_lists.feature_list["lpc"].feature) for record in parsed} == {3, 4, 5}


def test_the_seed_decides():
    spec = spec_of()
    assert synthesize(spec, 5) == synthesize(spec, 5)
    assert synthesize(spec, 5) != synthesize(spec, 5, seed=1)
    assert synthesize(spec, 0) == []


def test_what_cannot_be_made_is_an_error():
    with pytest.raises(UserInputError, match="cannot be made"):
        synthesize(spec_of(), 1, shortest=3, longest=2)
    images = spec_from_yaml("name: s\nsequence: {x: {type: image, height: 8, width: 8}}\nlabel: {key: y}")
    with pytest.raises(SpecError, match="Values of 'x' cannot be made"):
        synthesize(images, 1)
