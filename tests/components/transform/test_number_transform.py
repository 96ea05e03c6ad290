"""Numbers of a column in the graph: the statistics they need, and their normalization, against NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from tests.components.numbers.by_numpy import expected as of_records
from tfx_sequences.components.numbers.choice import CHOICES
from tfx_sequences.components.numbers.split_normalizers import RANKS, SplitNumbers
from tfx_sequences.components.transform import number_transform
from tfx_sequences.components.transform.number_analyzer import NumberRequest
from tfx_sequences.components.transform.number_transform import normalized_by_split, request_of, transform_numbers
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LENGTHS = [3, 0, 5, 1]
VALUES = np.random.default_rng(3).normal(2, 3, (9, 2))
VALUES[4, 0] = np.nan
SPLIT = SplitNumbers(
    tf.constant(np.random.default_rng(4).uniform(0.5, 2, (2, 6))),
    tf.constant(np.sort(np.random.default_rng(5).normal(2, 3, (2, RANKS + 1)), axis=1)),
)
MEAN, STD, LOG_MEAN, LOG_STD, SCALE_MEAN, SCALE_STD = SPLIT.parameters.numpy().T


def spec_of(column=None, *, context=None, **parts):
    sequence = {"x": {"type": "numeric", "shape": (2,), **(column or {})}}
    given = {"name": "s", "context": context or {}, "sequence": sequence, "label": {"key": "y"}, **parts}
    return SequenceSpec(**given)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"normalizer": "z_score"}, NumberRequest("sequence.x", 2, False, 0)),
        ({"normalizer": "min_max"}, NumberRequest("sequence.x", 2, False, 1)),
        ({"normalizer": "robust"}, NumberRequest("sequence.x", 2, False, 4)),
        ({"normalizer": "quantile"}, NumberRequest("sequence.x", 2, False, RANKS)),
        ({"normalizer": {"scale": 2.0, "then": "log1p"}}, NumberRequest("sequence.x", 2, False, 0)),
        ({"normalizer": "auto"}, NumberRequest("sequence.x", 2, True, RANKS, chooses=True, per_record=True)),
        ({"shape": (300,)}, NumberRequest("sequence.x", 300, True, 0, chooses=True, per_record=True)),
        ({"normalizer": "per_record", "scale_feature": True}, NumberRequest("sequence.x", 2, True)),
        ({"normalizer": "per_record"}, None),
        ({"normalizer": "none"}, None),
    ],
)
def test_a_column_requests_the_statistics_of_its_normalizer(column, expected):
    assert request_of(spec_of(column), "sequence.x") == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ({"type": "bucketized", "num_buckets": 5}, NumberRequest("context.c", 1, False, 5)),
        ({"type": "bucketized", "boundaries": (1.0,)}, None),
        ({"type": "time"}, None),
        ({"type": "numeric"}, NumberRequest("context.c", 1, False, RANKS, chooses=True, per_record=False)),
        ({"type": "categorical"}, None),
    ],
)
def test_other_columns_request_what_they_need(column, expected):
    assert request_of(spec_of(context={"c": column}), "context.c") == expected


def signed_log1p(values):
    return np.sign(values) * np.log1p(np.abs(values))


BY_NUMPY = {
    "none": lambda x: x,
    "z_score": lambda x: (x - MEAN) / STD,
    "log1p": lambda x: (signed_log1p(x) - LOG_MEAN) / LOG_STD,
}


@pytest.mark.parametrize("method", BY_NUMPY)
def test_missing_numbers_are_the_mean_which_is_zero(method):
    found = normalized_by_split(tf.constant(VALUES), method, SPLIT)
    np.testing.assert_allclose(found, np.nan_to_num(BY_NUMPY[method](VALUES), nan=0.0), rtol=1e-9)


def test_the_mean_between_least_and_greatest_is_not_zero():
    found = normalized_by_split(tf.constant(VALUES), "min_max", SPLIT).numpy()
    least, greatest = SPLIT.quantiles.numpy()[:, 0], SPLIT.quantiles.numpy()[:, -1]
    filled = np.where(np.isnan(VALUES), MEAN, VALUES)
    np.testing.assert_allclose(found, (filled - least) / (greatest - least), rtol=1e-9)


@pytest.mark.parametrize("choice", ["z_score", "log1p"])
def test_a_choice_of_the_training_split_is_followed_and_gives_no_scales(choice):
    split = SplitNumbers(SPLIT.parameters, SPLIT.quantiles, tf.constant(CHOICES.index(choice), tf.int64))
    found = transform_numbers(
        tf.constant(VALUES),
        tf.constant(LENGTHS, tf.int64),
        spec_of({"clip": 1.0}),
        "sequence.x",
        split,
        with_scales=True,
    )
    expected = np.nan_to_num(BY_NUMPY[choice](VALUES), nan=0.0).clip(-1, 1)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)
    assert found.values.dtype == tf.float32 and found.scales.shape == (0, 4)


def padded(values):
    """`[B, T, E]`, and which numbers count."""
    longest = max(LENGTHS)
    real = np.arange(longest) < np.array(LENGTHS)[:, None]
    steps = np.full((len(LENGTHS), longest, values.shape[1]), np.nan)
    steps[real] = values
    return steps, ~np.isnan(steps), real


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("chosen", [True, False])
def test_records_are_normalized_by_themselves_with_their_scales(causal, chosen):
    method = "auto" if chosen else "per_record"
    split = SplitNumbers(SPLIT.parameters, SPLIT.quantiles, tf.constant(CHOICES.index("per_record"), tf.int64))
    spec = spec_of({"normalizer": method, "causal": causal, **({} if chosen else {"scale_feature": True})})
    found = transform_numbers(
        tf.constant(VALUES), tf.constant(LENGTHS, tf.int64), spec, "sequence.x", split, with_scales=True
    )
    steps, counts, real = padded(VALUES)
    values, location, scale = (x[real] for x in of_records(steps, counts, "per_record", causal))
    np.testing.assert_allclose(found.values, values, atol=1e-5)
    known = scale > 0
    logs = np.where(known, (np.log(np.where(known, scale, 1)) - SCALE_MEAN) / SCALE_STD, 0).clip(-5, 5)
    ratio = signed_log1p(location / np.where(known, scale, np.exp(SCALE_MEAN)))
    np.testing.assert_allclose(found.scales, np.concatenate([logs, ratio], axis=1), atol=1e-5)


@pytest.mark.parametrize(("kind", "causal"), [("per_record", True), ("per_record_robust", False)])
def test_long_records_are_normalized_one_by_one(kind, causal, monkeypatch):
    # As it is where a batch would not fit into memory padded.
    arguments = (tf.constant(VALUES), tf.constant(LENGTHS), kind, causal)
    together = number_transform._normalized(*arguments)
    monkeypatch.setattr(number_transform, "_PADDED_AT_ONCE", 8)
    apart = tf.function(number_transform._normalized)(*arguments)
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_a_normalizer_of_the_training_split_needs_its_statistics():
    with pytest.raises(TypeError, match="statistics of the training split"):
        normalized_by_split(tf.constant(VALUES), "z_score", None)
