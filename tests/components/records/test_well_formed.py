"""What reads records agrees on which of them are well-formed, and on their values; the odd record is named."""

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.message import DecodeError

from tests.attack.record_mutators import MUTATORS, mutated
from tests.attack.wire import BYTES, EXAMPLE, SEQUENCE_EXAMPLE, Message, parsed
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.input.length_counts import count_lengths
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.well_formed import (
    canonical,
    fault_of,
    malformed,
    parse_errors,
    require_well_formed,
)
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

KINDS = {"SequenceExample": SEQUENCE_EXAMPLE, "Example": EXAMPLE}


def spec_of(record):
    return SequenceSpec(name="s", record=record, id_key="id", sequence={"x": {"type": "numeric"}}, label={"key": "y"})


def lists(index, steps=3):
    return sequence_example({"id": f"r{index}", "y": "ab"[index % 2]}, {"x": [float(index)] * steps})


def flat(index):
    return example({"id": f"r{index}", "y": "ab"[index % 2], "x": [1.0, 2.0]})


USUAL = {"SequenceExample": lists, "Example": flat}


def list_twice(record, kind):
    """A record with a feature that holds its list twice."""
    message = parsed(record, KINDS[kind])
    feature = message.features()[-1]
    feature.fields.append(feature.fields[0])
    return message.serialized()


@pytest.mark.parametrize(
    ("record", "usual", "odd", "words"),
    [
        ("SequenceExample", lists, flat, "is a tf.Example"),
        ("Example", flat, lists, "is a tf.SequenceExample"),
    ],
)
def test_a_record_of_the_other_type_is_named(tmp_path, record, usual, odd, words):
    write_records(tmp_path / "train.tfrecord", [odd(i) if i == 2934 else usual(i) for i in range(3000)])
    with pytest.raises(DataError) as refused:
        check_data(spec_of(record), tmp_path)
    assert words in str(refused.value)
    assert "2934" in str(refused.value) and "r2934" in str(refused.value)


def test_records_without_steps_are_what_they_are(tmp_path):
    write_records(tmp_path / "train.tfrecord", [lists(i, steps=i % 3) for i in range(60)])
    assert check_data(spec_of("SequenceExample"), tmp_path).splits["train"].records > 40


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_twice_is_named_by_the_check_and_the_reader(tmp_path, kind):
    usual, odd = USUAL[kind], list_twice(USUAL[kind](7).SerializeToString(), kind)
    write_records(tmp_path / "train.tfrecord", [odd if i == 7 else usual(i).SerializeToString() for i in range(40)])
    with pytest.raises(
        DataError, match=r"Record 7 \('r7'\) of .*train.tfrecord is not well-formed[\s\S]*holds 2 lists"
    ):
        check_data(spec_of(kind), tmp_path)
    format_ = raw_records(spec_of(kind))
    with pytest.raises(DataError, match=r"Record train.tfrecord:7 cannot be parsed"):
        count_lengths([str(tmp_path / "train.tfrecord")], format_)
    assert count_lengths([str(tmp_path / "train.tfrecord")], format_, skip_malformed=True).counts.sum() == 39


def test_bytes_that_are_no_record_are_named(tmp_path):
    write_records(
        tmp_path / "train.tfrecord", [b"\n1" if i == 300 else lists(i).SerializeToString() for i in range(400)]
    )
    with pytest.raises(DataError, match=r"Record 300 of .*train.tfrecord does not contain features"):
        check_data(spec_of("SequenceExample"), tmp_path)


@pytest.mark.parametrize(
    "record",
    [
        b"",
        Message({}, [[1, BYTES, b""]]).serialized(),
        lists(1, steps=0).SerializeToString(),
        tf.train.SequenceExample(feature_lists=tf.train.FeatureLists()).SerializeToString(),
    ],
    # The order of a map's entries differs from process to process, and so would a name made of bytes.
    ids=["no bytes", "an empty context", "a list without steps", "empty lists"],
)
def test_records_without_features_are_well_formed(record):
    assert not malformed([record], spec_of("SequenceExample")).any()
    assert fault_of(record, spec_of("SequenceExample")) is None


def in_graph(records):
    """What the graph's check says of each record; found by bisection."""
    try:
        checked(tf.constant(records, tf.string))
    except parse_errors():
        if len(records) == 1:
            return [False]
        half = len(records) // 2
        return in_graph(records[:half]) + in_graph(records[half:])
    return [True] * len(records)


checked = tf.function(require_well_formed, input_signature=[tf.TensorSpec([None], tf.string)])


def values_by_library(record, spec):
    """The values of the spec's features, as the protocol buffers library reads them."""
    message = tf.train.SequenceExample.FromString(record)
    context, lists_of = message.context.feature, message.feature_lists.feature_list
    if spec.record == "Example":
        steps = list(context["x"].float_list.value) if "x" in context else []
    else:
        steps = [list(step.float_list.value) for step in lists_of["x"].feature] if "x" in lists_of else []
    return {"x": steps, "y": list(context["y"].bytes_list.value), "id": list(context["id"].bytes_list.value)}


@pytest.mark.parametrize("kind", KINDS)
def test_all_agree_on_mutated_records(kind):
    spec, random = spec_of(kind), np.random.default_rng(5)
    good = [USUAL[kind](i).SerializeToString() for i in range(20)]
    named = [mutated(good[i % 20], KINDS[kind], random) for i in range(60 * len(MUTATORS))]
    records = [record for _, record in named]
    by_library = canonical(records)
    assert in_graph(records) == by_library.tolist()
    kept = [record for record, right in zip(records, by_library, strict=True) if right]
    assert len(kept) > len(MUTATORS)
    for record in kept:
        try:
            read = parse_records(tf.constant([record]), spec)
        except parse_errors():
            continue
        expected = values_by_library(record, spec)
        steps = expected["x"] if kind == "Example" else [value for step in expected["x"] for value in step]
        assert np.array_equal(np.ravel(read["sequence.x"].flat_values), np.array(steps, np.float32), equal_nan=True)
        assert read["y"].numpy().tolist() == (expected["y"] or [b""])
    for record, right in zip(records, by_library, strict=True):
        assert (fault_of(record, spec) is None) == (not malformed([record], spec)[0])
        if right:
            tf.train.SequenceExample.FromString(record)


def test_the_library_refuses_what_the_op_reads_in_part():
    record = lists(1).SerializeToString() + b"\x12"
    with pytest.raises(DecodeError):
        tf.train.SequenceExample.FromString(record)
    assert not canonical([record]).any()
    assert in_graph([record]) == [False]
