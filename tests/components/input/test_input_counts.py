"""Counts of an epoch: what is noted, what is named, and how it is written and read."""

import json

import pytest

from tfx_sequences.components.input.input_counts import InputCounts, Noted


@pytest.mark.parametrize(("real", "padded", "share"), [(30, 40, 0.25), (40, 40, 0.0), (0, 0, 0.0), (0, 5, 1.0)])
def test_the_padding_ratio_is_the_fraction_of_steps_that_are_padding(real, padded, share):
    assert InputCounts(0, real_steps=real, padded_steps=padded).padding_share == share


def test_ten_records_are_named_and_all_are_counted():
    counts = InputCounts(0)
    assert counts.wanted_names("too_long") == 10
    counts.note("too_long", 8, [f"a:{i}" for i in range(8)])
    assert counts.wanted_names("too_long") == 2
    counts.note("too_long", 20, [f"b:{i}" for i in range(5)])
    assert counts.wanted_names("too_long") == 0
    assert counts.too_long.count == 28
    assert counts.too_long.first == [*(f"a:{i}" for i in range(8)), "b:0", "b:1"]
    assert str(counts.too_long).endswith("b:0, b:1 and 18 more)")


def test_counts_are_plain_data_and_come_back():
    counts = InputCounts(3, records=5, batches=2, real_steps=9, padded_steps=12, malformed=Noted(1, ["a:0"]))
    assert InputCounts.from_dict(json.loads(json.dumps(counts.to_dict()))) == counts


def test_a_copy_is_independent():
    counts = InputCounts(0)
    copy = counts.copy()
    copy.note("truncated", 1, ["a:0"])
    assert (counts.truncated, copy.truncated) == (Noted(), Noted(1, ["a:0"]))


def test_only_fates_that_occurred_are_shown():
    counts = InputCounts(2, records=4, batches=1, real_steps=3, padded_steps=4)
    assert str(counts) == "epoch 2: 4 records in 1 batches, 25.0% padding"
    counts.note("truncated", 1, ["a:0"])
    counts.note("malformed", 1, ["a:1"])
    assert str(counts).endswith("padding; truncated: 1 (a:0); malformed, dropped: 1 (a:1)")
    assert set(counts.noted) == {"truncated", "too_short", "too_long", "malformed"}
