"""One epoch of records: every record once, in an order of seed and epoch, from any position."""

import numpy as np
import pytest
import tensorflow as tf

from tests.components.input.small_inputs import FEATURES, make_spec, write
from tests.records import example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_reader import EpochReader, Source
from tfx_sequences.components.input.input_counts import Noted
from tfx_sequences.components.input.reader_position import ReaderPosition
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.row_store import parser_of
from tfx_sequences.components.transform.length_histogram import LengthHistogram

LENGTHS = [(7 * i) % 11 for i in range(45)]


def reader_of(files, epoch=0, position=None, *, training=True, seed=0, **batching):
    spec = make_spec(
        batching={"batch_size": 4, "num_buckets": 3, "shuffle_buffer": 12, **batching}, training={"seed": seed}
    )
    plan, form = make_plan(LengthHistogram.of(LENGTHS), spec.batching), transformed_records(spec, FEATURES)
    return EpochReader(Source(tuple(files), spec, form, plan, training), parser_of(form), epoch, position)


def batches(reader):
    """The labels of each batch, which tell which records they are."""
    found = []
    for chunk in reader:
        for start, size in zip(chunk.starts, chunk.given.batches.sizes, strict=True):
            records = chunk.records[start : start + size].numpy().tolist()
            messages = [tf.train.Example.FromString(record) for record in records]
            found.append([message.features.feature["label"].int64_list.value[0] for message in messages])
    return found


@pytest.mark.parametrize("training", [True, False])
def test_every_record_is_in_one_batch_and_counted(tmp_path, training):
    reader = reader_of(write(tmp_path, LENGTHS, 3), training=training)
    found = batches(reader)
    assert sorted(np.concatenate(found)) == list(range(len(LENGTHS)))
    counts = reader.counts
    assert reader.finished
    assert (counts.records, counts.batches, counts.real_steps) == (45, len(found), sum(LENGTHS))
    longest = [max(LENGTHS[label] for label in batch) for batch in found]
    assert counts.padded_steps >= sum(len(batch) * steps for batch, steps in zip(found, longest, strict=True))


def test_the_order_depends_on_seed_and_epoch_alone(tmp_path):
    files = write(tmp_path, LENGTHS, 3)
    first = batches(reader_of(files))
    assert first == batches(reader_of(files))
    assert first != batches(reader_of(files, epoch=1))
    assert first != batches(reader_of(files, seed=1))


def test_reading_resumes_at_every_position(tmp_path):
    files = write(tmp_path, LENGTHS, 3)
    whole = reader_of(files)
    expected = batches(whole)
    assert len(whole.positions) > 2
    for position in whole.positions:
        again = ReaderPosition.from_plain(position.to_plain())
        rest = reader_of(files, position=again)
        assert batches(rest) == expected[position.batches :]
        assert rest.counts == whole.counts


def test_dropped_and_truncated_records_are_named(tmp_path):
    files = [str(write_records(tmp_path / "a", [record(0, 3), record(1, 1), b"\xff\xff", record(2, 9), record(3, 6)]))]
    limits = {"drop_shorter_than": 2, "drop_longer_than": 8, "max_length": 4, "on_error": "skip"}
    reader = reader_of(files, **limits)
    assert sorted(np.concatenate(batches(reader))) == [0, 3]
    assert reader.counts.noted == {
        "too_short": Noted(1, ["a:1"]),
        "too_long": Noted(1, ["a:3"]),
        "malformed": Noted(1, ["a:2"]),
        "truncated": Noted(1, ["a:4"]),
    }
    assert reader.counts.real_steps == 3 + 4
    # Evaluation drops no record for its length.
    kept = reader_of(files, training=False, **limits)
    assert sorted(np.concatenate(batches(kept))) == [0, 1, 2, 3]


def record(label, steps):
    return example({"x": [0.0] * steps, "sequence_length": steps, "label": label, "example_weight": 1.0})


def test_a_record_that_can_be_parsed_is_kept(tmp_path):
    reader = reader_of(write(tmp_path, LENGTHS, 2))
    batches(reader)
    message = tf.train.Example.FromString(reader.any_record())
    assert message.features.feature["label"].int64_list.value[0] in range(len(LENGTHS))
