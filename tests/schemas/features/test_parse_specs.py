"""Both kinds of records reach the same tensors, for columns alone and for a spec."""

import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tests.records import example, sequence_example
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec

COLUMNS = [
    tfs.sequence_numeric_column("x"),
    tfs.sequence_numeric_column("v", shape=2),
    tfs.sequence_numeric_column("n", shape=(), dtype="int64"),
    tfs.sequence_categorical_column_with_vocabulary_list("word", ("a", "b")),
    tfs.sequence_text_column("step_text", source="sequence", vocabulary_list=("a",)),
    tfs.numeric_column("age", default_value=3.0),
    tfs.categorical_column_with_identity("tags", 9),
    tfs.text_column("title", vocabulary_list=("a",)),
    tfs.bucketized_column(tfs.numeric_column("place", shape=2), [0.0]),
]
RECORDS = [
    (
        {"age": [7.0], "tags": [1, 2], "title": ["t"], "place": [1.0, 2.0]},
        {"x": [1.0, 2.0], "v": [[1.0, 2.0], [3.0, 4.0]], "n": [5, 6], "word": ["a", "b"], "step_text": ["p q", ""]},
    ),
    ({"place": [3.0, 4.0]}, {"x": [], "v": [], "n": [], "word": [], "step_text": []}),
]


def parsed_sequence_examples(columns=COLUMNS, records=RECORDS):
    context, sequence = make_parse_sequence_example_spec(columns)
    serialized = [sequence_example(c, s).SerializeToString() for c, s in records]
    return tf.io.parse_sequence_example(serialized, context, sequence)[:2]


def listed(tensor):
    return tensor.to_list() if isinstance(tensor, tf.RaggedTensor) else tensor.numpy().tolist()


def test_both_kinds_of_records_reach_the_same_tensors():
    context, sequence = parsed_sequence_examples()
    flat = [{**c, **s, "v": [x for step in s["v"] for x in step]} for c, s in RECORDS]
    parsed = tf.io.parse_example([example(f).SerializeToString() for f in flat], make_parse_example_spec(COLUMNS))
    assert {*parsed} == {*context, *sequence}
    for name, tensor in context.items():
        assert listed(parsed[name]) == listed(tensor), name
    for name, tensor in sequence.items():
        # The steps of a SequenceExample are lists of values; those of an Example are values.
        steps = tensor.to_list() if name in ("x", "v") else tensor.merge_dims(1, 2).to_list()
        assert listed(parsed[name]) == steps, name


def test_missing_context_takes_its_default():
    context, _ = parsed_sequence_examples()
    np.testing.assert_array_equal(context["age"], [[7], [3]])
    assert context["title"].numpy().tolist() == [b"t", b""]
    assert context["tags"].to_list() == [[1, 2], []]


def test_a_key_may_stand_in_context_and_sequence():
    columns = [tfs.sequence_numeric_column("x"), tfs.numeric_column("x"), tfs.sequence_numeric_column("y")]
    context, sequence = make_parse_sequence_example_spec(columns)
    assert list(context) == ["x"]
    assert {name: parser.value_key for name, parser in sequence.items()} == {"sequence.x": "x", "y": "y"}
    context, sequence = parsed_sequence_examples(columns, [({"x": [1.0]}, {"x": [2.0, 3.0], "y": [4.0, 5.0]})])
    assert (listed(context["x"]), listed(sequence["sequence.x"])) == ([[1.0]], [[[2.0], [3.0]]])
    with pytest.raises(SpecError, match=r"'x' cannot be a feature of a tf.Example[\s\S]*key of a context feature"):
        make_parse_example_spec(columns)


def test_several_values_per_step_need_a_sequence_example():
    several = [tfs.sequence_categorical_column_with_identity("k", 5, multi_valued=True)]
    _, sequence = parsed_sequence_examples(several, [({}, {"k": [[1, 2], [], [3]]})])
    assert sequence["k"].to_list() == [[[1, 2], [], [3]]]
    with pytest.raises(SpecError, match=r"'k' cannot be a feature of a tf.Example[\s\S]*several values per step"):
        make_parse_example_spec(several)


def test_views_of_one_feature_are_parsed_once():
    item = tfs.sequence_categorical_column_with_identity("k", 5)
    columns = [tfs.embedding_column(item, 2), tfs.indicator_column(item)]
    assert list(make_parse_example_spec(columns)) == ["k"]
    with pytest.raises(SpecError, match="'k' in two ways"):
        make_parse_example_spec([*columns, tfs.sequence_numeric_column("k")])


def test_a_spec_with_and_without_label_and_weight(everything):
    context, sequence = make_parse_sequence_example_spec(everything.spec)
    without, same = make_parse_sequence_example_spec(everything.spec, with_label=False)
    assert {*context} - {*without} == {"kind", "weight"}
    assert same.keys() == sequence.keys()
    assert all(name.startswith("sequence.") for name in sequence)
    examples = everything.spec_of_examples
    with_label, without = (make_parse_example_spec(examples, with_label=w) for w in (True, False))
    assert {*with_label} - {*without} == {"kind", "weight"}
