"""Lists at several rates, aligned as `pandas.merge_asof` and `numpy.interp` align them."""

import functools

import hypothesis
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import strategies as st

from tests.records import example, sequence_example
from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.features.resolved_columns import checked_columns
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.columns.column import Alignment, CategoricalColumn, NumericColumn
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

EPOCH = 1_528_917_632_000_000
"""Microseconds since 1970: a float32 would not tell any two of these apart."""


def ragged(rows, dtype, rank):
    lengths = tf.constant([len(row) for row in rows], tf.int64)
    return tf.RaggedTensor.from_row_lengths(_inner(rows, dtype, rank), lengths)


def _inner(rows, dtype, rank):
    steps = [step for row in rows for step in row]
    flat = tf.constant([x for step in steps for x in (step if rank else [step])], dtype)
    return tf.RaggedTensor.from_row_lengths(flat, tf.constant([len(s) if rank else 1 for s in steps], tf.int64))


def numeric(method, *, tolerance=None, times="float32", **fields):
    align = Alignment(to="t", method=method, tolerance=tolerance, dtype=times)
    return NumericColumn(key="x", is_sequence=True, timestamps="tx", align=align, **fields)


def aligned(column, records, dtype="float32"):
    """By record the steps of x; records of step times, value times and values."""
    times = column.align.dtype
    several = bool(getattr(column, "shape", ())) or getattr(column, "multi_valued", False)
    inputs = {
        "sequence.t": ragged([r[0] for r in records], times, False),
        "sequence.tx": ragged([r[1] for r in records], times, False),
        "sequence.x": ragged([r[2] for r in records], dtype, several),
    }
    return in_graph(column, tf.as_dtype(dtype))(inputs).to_list()


@functools.cache
def in_graph(column, dtype):
    """The function as the transform graph has it: of any number of records, traced once."""
    specs = {
        "sequence.t": tf.RaggedTensorSpec([None, None, None], tf.as_dtype(column.align.dtype), 2),
        "sequence.tx": tf.RaggedTensorSpec([None, None, None], tf.as_dtype(column.align.dtype), 2),
        "sequence.x": tf.RaggedTensorSpec([None, None, None], dtype, 2),
    }
    return tf.function(lambda given: column_inputs(given, column)["sequence.x"], input_signature=[specs])


def by_pandas(steps, times, values, method, tolerance):
    left = pd.DataFrame({"t": np.asarray(steps)})
    right = pd.DataFrame({"t": np.asarray(times, left["t"].dtype), "x": np.asarray(values, "float64")})
    direction = {"previous": "backward", "nearest": "nearest"}[method]
    if not len(right) or not len(left):
        return [[]] * len(left)
    found = pd.merge_asof(left, right, on="t", direction=direction, tolerance=tolerance)["x"]
    return [[] if np.isnan(x) else [x] for x in found]


@st.composite
def records(draw, scale=1, origin=0):
    def times(most):
        drawn = draw(st.lists(st.integers(0, 12), max_size=most))
        return [origin + scale * t for t in sorted(drawn)]

    made = []
    for _ in range(draw(st.integers(0, 3))):
        of_values = times(6)
        made.append((times(6), of_values, [float(10 * i) for i in range(len(of_values))]))
    return made


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(records(), st.sampled_from(["previous", "nearest"]), st.sampled_from([None, 0, 1, 3]))
def test_previous_and_nearest_are_those_of_merge_asof(given, method, tolerance):
    given = [(*(([float(t) for t in ts]) for ts in record[:2]), record[2]) for record in given]
    tolerance = None if tolerance is None else float(tolerance)
    found = aligned(numeric(method, tolerance=tolerance), given)
    assert found == [by_pandas(*record, method, tolerance) for record in given]


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(
    records(scale=1, origin=EPOCH), st.sampled_from(["previous", "nearest"]), st.sampled_from([None, 0, 2])
)
def test_times_of_64_bits_keep_their_digits(given, method, tolerance):
    as_number = None if tolerance is None else float(tolerance)
    found = aligned(numeric(method, tolerance=as_number, times="int64"), given)
    assert found == [by_pandas(*record, method, tolerance) for record in given]


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(
    st.lists(
        st.tuples(
            st.lists(st.floats(-5, 15, width=32), max_size=5).map(sorted),
            st.lists(st.integers(0, 10), max_size=5, unique=True).map(sorted),
        ),
        max_size=3,
    )
)
def test_values_between_are_those_of_interp(drawn):
    random = np.random.default_rng(3)
    given = []
    for steps, times in drawn:
        values = random.normal(size=(len(times), 2)).astype("float32").tolist()
        given.append((steps, [float(t) for t in times], values))
    found = aligned(numeric("interpolate", shape=(2,)), given)
    for (steps, times, values), row in zip(given, found, strict=True):
        if not times:
            assert row == [[]] * len(steps)
            continue
        expected = np.stack([np.interp(steps, times, np.array(values)[:, e]) for e in range(2)], axis=1)
        np.testing.assert_allclose(np.reshape(row, (-1, 2)), expected, rtol=1e-5, atol=1e-6)


def test_a_tolerance_leaves_gaps_that_are_too_long_missing():
    given = [([0.0, 1.0, 4.0, 6.0, 9.0, 20.0], [1.0, 9.0], [10.0, 18.0])]
    assert aligned(numeric("interpolate", tolerance=2.0), given) == [[[10.0], [10.0], [], [], [18.0], []]]
    assert aligned(numeric("interpolate", tolerance=3.0), given) == [[[10.0], [10.0], [13.0], [15.0], [18.0], []]]


def test_whole_numbers_are_interpolated_in_64_bits():
    given = [([0, 5, 10], [0, 10], [2**40, 2**40 + 4])]
    column = numeric("interpolate", times="int64", dtype="int64")
    assert aligned(column, given, "int64") == [[[2.0**40], [2.0**40 + 2], [2.0**40 + 4]]]


def test_a_value_that_is_missing_is_none_to_take():
    given = [([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0], [[7.0, 7.0], [], [np.nan, np.nan]])]
    assert aligned(numeric("previous", shape=(2,)), given) == [[[7.0, 7.0]] * 4]
    assert aligned(numeric("interpolate", shape=(2,)), given) == [[[7.0, 7.0]] * 4]


@hypothesis.settings(max_examples=40, deadline=None)
@hypothesis.given(records(), st.sampled_from([None, 0.0, 2.0]))
def test_collected_values_are_those_since_the_step_before(given, tolerance):
    align = Alignment(to="t", method="collect", tolerance=tolerance)
    column = CategoricalColumn(key="x", is_sequence=True, multi_valued=True, timestamps="tx", align=align)
    given = [
        ([float(t) for t in steps], [float(t) for t in times], [[f"v{i}"] * (i % 3) for i in range(len(times))])
        for steps, times, _ in given
    ]
    expected = []
    for steps, times, values in given:
        row = [[] for _ in steps]
        for time, terms in zip(times, values, strict=True):
            later = [i for i, step in enumerate(steps) if step >= time]
            if later and (tolerance is None or steps[later[0]] - time <= tolerance):
                row[later[0]] += [term.encode() for term in terms]
        expected.append(row)
    assert aligned(column, given, tf.string) == expected


def test_weights_and_keys_go_with_their_values():
    align = Alignment(to="t", method="collect")
    column = CategoricalColumn(key="x", is_sequence=True, weighted_by="w", timestamps="tx", align=align)
    spec = SequenceSpec(name="s", sequence={"x": column}, label={"key": "y"})
    record = sequence_example(
        {"y": "a"},
        {"t": [1.0, 2.0], "tx": [0.5, 1.5, 1.6], "x": [["a"], ["b", "c"], ["d"]], "w": [[1.0], [2.0, 3.0], [4.0]]},
    )
    parsed = parse_records(tf.constant([record.SerializeToString()]), spec)
    found = column_inputs(parsed, column)
    assert found["sequence.x"].to_list() == [[[b"a"], [b"b", b"c", b"d"]]]
    assert found["sequence.w"].to_list() == [[[1.0], [2.0, 3.0, 4.0]]]


def test_flat_lists_of_an_example_are_aligned_too():
    spec = SequenceSpec(name="s", record="Example", sequence={"x": numeric("previous", shape=(2,))}, label={"key": "y"})
    record = example({"y": "a", "t": [1.0, 2.0, 3.0], "tx": [2.0, 2.5], "x": [1.0, 2.0, 3.0, 4.0]})
    parsed = parse_records(tf.constant([record.SerializeToString()]), spec)
    assert column_inputs(parsed, spec.sequence["x"])["sequence.x"].to_list() == [[[], [1.0, 2.0], [3.0, 4.0]]]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (([1.0], [2.0, 1.0], [0.0, 0.0]), "Timestamps 'tx' decrease"),
        (([2.0, 1.0], [1.0], [0.0]), "Timestamps 't' decrease"),
        (([1.0, np.nan], [1.0], [0.0]), "Timestamps 't' are missing"),
        (([1.0], [1.0, 2.0], [0.0]), "'x' and its timestamps 'tx' have different numbers"),
    ],
)
def test_timestamps_that_cannot_be_used_are_refused(record, told):
    inputs = {
        "sequence.t": ragged([record[0]], "float32", False),
        "sequence.tx": ragged([record[1]], "float32", False),
        "sequence.x": ragged([record[2]], "float32", False),
    }
    with pytest.raises(tf.errors.InvalidArgumentError, match=told):
        column_inputs(inputs, numeric("previous"))


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"timestamps": "tx"}, "timestamps and align must be set together"),
        ({"timestamps": "t", "align": {"to": "t"}}, "the feature already has the steps' times"),
        ({"timestamps": "tx", "align": {"to": "t", "method": "collect"}}, "collect does not suit the column"),
        ({"timestamps": "tx", "align": {"to": "t", "method": "last"}}, "'previous', 'nearest'"),
        (
            {"timestamps": "tx", "align": {"to": "t", "method": "interpolate"}, "normalizer": {"z_score_by": "k"}},
            "interpolate does not suit the column",
        ),
    ],
)
def test_what_cannot_be_declared(column, told):
    with pytest.raises(ValueError, match=told):
        SequenceSpec.model_validate(
            {"name": "x", "sequence": {"v": {"type": "numeric", **column}}, "label": {"key": "z"}}
        )


def test_one_list_has_one_clock():
    spec = SequenceSpec(
        name="s", sequence={"x": numeric("previous"), "y": NumericColumn(key="x", is_sequence=True)}, label={"key": "z"}
    )
    with pytest.raises(SpecError, match="'x' in two ways"):
        raw_features(spec)


def test_a_layer_alone_does_not_align():
    with pytest.raises(UserInputError, match="has timestamps of its own"):
        checked_columns([numeric("previous")], "SequenceFeatures", True)
