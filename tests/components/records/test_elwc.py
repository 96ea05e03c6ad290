"""ExampleListWithContext read as SequenceExample, compared with what protocol buffers of the same fields hold."""

import hypothesis
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests.example_lists import as_steps, example_list
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.elwc import as_sequence_example, is_example_list
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.opening import holds_example_lists, record_dataset
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.records.well_formed import fault_of_bytes
from tfx_sequences.errors import DataError
from tfx_sequences.pipeline.commands.propose_command import _proposed
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

VALUES = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=2),
    st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=2),
    st.lists(st.binary(max_size=200), min_size=1, max_size=2),
)
FEATURES = st.dictionaries(st.text(max_size=8), VALUES, max_size=3)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(st.one_of(st.none(), FEATURES), st.lists(FEATURES, max_size=3))
def test_items_become_steps(context, items):
    record = example_list(context, items).SerializeToString()
    if not context and not any(items):
        assert not is_example_list(record)
        return
    assert is_example_list(record)
    found = tf.train.SequenceExample.FromString(as_sequence_example(record))
    assert found == as_steps(context, items)


@hypothesis.given(st.one_of(st.none(), FEATURES), st.lists(FEATURES, max_size=3))
def test_all_items_are_steps_of_the_feature_that_is_named(context, items):
    record = example_list(context, items).SerializeToString()
    found = tf.train.SequenceExample.FromString(as_sequence_example(record, "key"))
    assert len(found.feature_lists.feature_list["key"].feature) == len(items)
    expected = as_steps(context, items)
    if not any("key" in item for item in items):
        del found.feature_lists.feature_list["key"]
    assert found == expected


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(FEATURES, st.dictionaries(st.text(max_size=8), st.lists(VALUES, max_size=3), max_size=3))
def test_other_records_stay_as_they_are(context, lists):
    for message in (sequence_example(context, lists), example(context)):
        record = message.SerializeToString()
        assert not is_example_list(record)
        assert as_sequence_example(record) is record


@hypothesis.given(st.binary(max_size=60))
def test_any_bytes_are_told_apart_without_an_error(data):
    assert is_example_list(data) in (True, False, None)


@pytest.mark.parametrize("name", ["lists.tfrecord", "lists.tfrecord.gz"])
def test_files_are_read_as_sequence_examples(tmp_path, name):
    messages = [example_list({"query": f"q{i}"}, [{"score": [float(i)]}] * (i % 3)) for i in range(5)]
    path = write_records(tmp_path / name, messages)
    assert holds_example_lists(path)
    read = [tf.train.SequenceExample.FromString(record) for record in read_records(path)]
    assert read == [as_steps({"query": f"q{i}"}, [{"score": [float(i)]}] * (i % 3)) for i in range(5)]
    by_tensorflow = [tf.train.SequenceExample.FromString(r) for r in record_dataset(path).as_numpy_iterator()]
    assert by_tensorflow == read
    # Records without any feature do not tell.
    later = write_records(tmp_path / f"later-{name}", [example_list(None, [{}]), example_list(None, []), *messages])
    assert holds_example_lists(later)
    for named in (read_records(later, items_key="score"), record_dataset(later, "score").as_numpy_iterator()):
        steps = [tf.train.SequenceExample.FromString(r).feature_lists.feature_list["score"] for r in named]
        assert [len(its.feature) for its in steps] == [1, 0, 0, 1, 2, 0, 1]
    other = write_records(tmp_path / f"other-{name}", read)
    assert not holds_example_lists(other)
    assert list(read_records(other)) == [record.SerializeToString() for record in read]


SPEC = {
    "name": "lists",
    "record": "ELWC",
    "context": {"query": {"type": "categorical"}},
    "sequence": {"cuisine": {"type": "categorical"}},
    "label": {"key": "relevance", "per_step": True, "dtype": "int64"},
}


def restaurants(number=20):
    return [
        example_list(
            {"query": f"q{i % 4}"},
            [{"cuisine": ["Pizzeria", "Taqueria"][(i + n) % 2], "relevance": (i + n) % 2} for n in range(2 + i % 4)],
        )
        for i in range(number)
    ]


def test_check_reads_the_items_as_steps(tmp_path):
    for split in ("train", "valid", "test"):
        write_records(tmp_path / f"{split}.tfrecord", restaurants())
    report = check_data(SequenceSpec.model_validate(SPEC), tmp_path)
    assert (report.splits["train"].records, report.splits["train"].steps) == (20, 5 * (2 + 3 + 4 + 5))
    with pytest.raises(DataError, match=r"holds ExampleListWithContext[\s\S]*`record: ELWC`"):
        check_data(SequenceSpec.model_validate({**SPEC, "record": "SequenceExample"}), tmp_path)


def test_items_without_any_feature_of_the_spec_are_steps(tmp_path):
    bare = example_list({"query": "q0"}, [{"relevance": 1}, {"relevance": 0}])
    for split in ("train", "valid", "test"):
        write_records(tmp_path / f"{split}.tfrecord", [*restaurants(), bare])
    report = check_data(SequenceSpec.model_validate(SPEC), tmp_path)
    assert (report.splits["train"].records, report.splits["train"].steps) == (21, 5 * (2 + 3 + 4 + 5) + 2)


def test_propose_says_how_the_records_are_stored(tmp_path):
    write_records(tmp_path / "train.tfrecord", restaurants())
    spec = _proposed(path_of(tmp_path), label=["relevance"], name="lists").spec
    assert (spec.record, spec.label.key, spec.label.per_step) == ("ELWC", "relevance", True)
    assert (list(spec.context), list(spec.sequence)) == (["query"], ["cuisine"])


def test_a_corrupt_list_among_others_is_named_and_does_not_end_the_reading(tmp_path):
    item = example({"x": [1.0], "t": ["a"]}).SerializeToString()
    # Two items as field 1, of which the second is truncated.
    whole = b"\n" + bytes([len(item)]) + item
    corrupt = whole + b"\n" + bytes([len(item)]) + item[:-2]
    file = write_records(tmp_path / "train.tfrecord", [whole + whole, corrupt, whole])
    read = list(read_records(file))
    assert [bool(fault_of_bytes(record)) for record in read] == [False, True, False]
    assert [record.numpy() for record in record_dataset(file)] == read
    label = {"key": "t", "per_step": True}
    spec = SequenceSpec(name="s", record="ELWC", sequence={"x": {"type": "numeric"}}, label=label)
    with pytest.raises(DataError, match=r"record 1 of .* does not contain features"):
        check_data(spec, file.parent)
