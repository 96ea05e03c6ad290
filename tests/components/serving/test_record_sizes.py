"""Sizes of records are those that the parsers of TensorFlow find."""

import numpy as np
import tensorflow as tf

from tests.records import example, sequence_example
from tfx_sequences.components.serving.record_sizes import sized_inputs, sizes_of_records, sizes_of_tensors
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(
    name="s",
    context={
        "age": {"type": "numeric"},
        "tags": {"type": "categorical", "multi_valued": True, "num_oov_buckets": 1},
        "title": {"type": "text", "num_oov_buckets": 1},
    },
    sequence={
        "lpc": {"type": "numeric", "shape": (2,)},
        "genres": {"type": "categorical", "multi_valued": True, "num_oov_buckets": 1},
        "review": {"type": "text", "num_oov_buckets": 1},
    },
    label={"key": "y"},
)
INPUTS = sized_inputs(SPEC)
NAMES = [its.name for its in INPUTS]


def of(sizes, name):
    column = NAMES.index(name)
    return [*zip(sizes.steps[:, column].tolist(), sizes.values[:, column].tolist(), strict=True)]


def test_steps_and_values_of_records():
    records = [
        sequence_example(
            {"age": 3.0, "tags": ["a", "b"], "title": "two words", "review": "a b c"},
            {"lpc": [[1.0, 2.0]] * 4, "genres": [["x"], [], ["x", "y", "z"]]},
        ).SerializeToString(),
        sequence_example({}, {}).SerializeToString(),
        b"\xff no record",
    ]
    sizes = sizes_of_records(records, INPUTS, tf.train.SequenceExample.FromString, flat=False)
    assert of(sizes, "age") == [(1, 1), (0, 0), (0, 0)]
    assert of(sizes, "tags") == [(1, 2), (0, 0), (0, 0)]
    assert of(sizes, "title") == [(1, len("two words")), (0, 0), (0, 0)]
    assert of(sizes, "review") == [(1, len("a b c")), (0, 0), (0, 0)]
    assert of(sizes, "lpc") == [(4, 1), (0, 0), (0, 0)]
    assert of(sizes, "genres") == [(3, 3), (0, 0), (0, 0)]
    assert [its.name for its in INPUTS if its.tokens_are_steps] == ["review"]


def test_flat_lists_are_divided_into_steps():
    record = example({"age": 3.0, "lpc": [1.0] * 10}).SerializeToString()
    sizes = sizes_of_records([record], INPUTS, tf.train.Example.FromString, flat=True)
    assert of(sizes, "lpc") == [(5, 1)]


def test_sizes_of_padded_tensors_are_their_shapes():
    arrays = {
        "age": np.zeros([2], np.float32),
        "tags": np.full([2, 3], b"", object),
        "title": np.array([b"abc", b""], object),
        "lpc": np.zeros([2, 5, 2], np.float32),
        "genres": np.full([2, 5, 7], b"", object),
        "review": np.array([b"", b"abcdef"], object),
    }
    sizes = sizes_of_tensors(arrays, INPUTS)
    assert of(sizes, "lpc") == [(5, 1)] * 2
    assert of(sizes, "genres") == [(5, 7)] * 2
    assert of(sizes, "tags") == [(1, 3)] * 2
    assert of(sizes, "review") == [(1, 0), (1, 6)]
    assert sizes_of_tensors({**arrays, "age": np.zeros([3])}, INPUTS) is None
    assert len(sizes_of_tensors({**arrays, "lpc": np.zeros([0, 0, 2])}, INPUTS)) == 2
