"""Numbers normalised by their own record, against the same statistics by NumPy, record by record and step by step."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from tests.components.numbers.by_numpy import expected
from tfx_sequences.components.numbers.record_normalizers import normalize_records

KINDS = ("per_record", "per_record_robust", "per_record_min_max")
THEIRS = {"per_record": StandardScaler, "per_record_robust": RobustScaler, "per_record_min_max": MinMaxScaler}


@pytest.fixture
def batch():
    """Records of several scales, with padding and missing values; one without a step, one of a constant."""
    random = np.random.default_rng(3)
    values = random.normal(size=(7, 11, 2)) * 10.0 ** np.array([-30, -4, 0, 2, 30, 0, 0])[:, None, None]
    values[1] += 1e3 * 1e-4
    values[5] = 0.1
    values[3, 2:6] = values[3, 1]
    lengths = np.array([11, 9, 5, 11, 3, 7, 0])
    counts = (np.arange(11) < lengths[:, None])[..., None] & (random.random((7, 11, 2)) > 0.2)
    values[~counts] = np.nan
    return values.astype(np.float32), counts


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_statistics_are_of_the_values_that_count(batch, kind, causal):
    values, counts = batch
    found = normalize_records(values, counts, kind, causal=causal)
    out, location, scale = expected(values, counts, kind, causal)
    np.testing.assert_allclose(found.values, out, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.broadcast_to(found.scale, scale.shape), scale, rtol=1e-9)
    off = np.abs(found.location - location) / np.where(scale > 0, scale, 1)
    np.testing.assert_array_less(off, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_normalised_as_scikit_learn_does(kind):
    values = np.random.default_rng(0).lognormal(size=(1, 200, 3))
    found = normalize_records(values, np.ones(values.shape, bool), kind, causal=False).values[0]
    np.testing.assert_allclose(found, THEIRS[kind]().fit_transform(values[0]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_neither_padding_nor_other_records_change_a_record(batch, kind, causal):
    values, counts = batch
    together = normalize_records(values, counts, kind, causal=causal).values.numpy()
    for row in range(len(values)):
        length = max(1, counts[row].any(axis=1).nonzero()[0].max(initial=0) + 1)
        alone = normalize_records(values[row : row + 1, :length], counts[row : row + 1, :length], kind, causal=causal)
        np.testing.assert_allclose(together[row, :length], alone.values[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_causal_steps_do_not_know_later_ones(batch, kind):
    values, counts = batch
    whole = normalize_records(values, counts, kind, causal=True).values.numpy()
    for end in (1, 4, 8):
        cut = normalize_records(values[:, :end], counts[:, :end], kind, causal=True).values
        np.testing.assert_array_equal(whole[:, :end], cut)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_scales_of_any_size_give_the_same(kind, causal):
    shape = np.sin(np.arange(24.0))[None, :, None]
    counts = np.ones(shape.shape, bool)
    wanted = normalize_records(shape, counts, kind, causal=causal).values
    for exponent in (-34, -4, 2, 36):  # TensorFlow takes what is below 1e-38 for 0
        scaled = (shape * 10.0**exponent).astype(np.float32)
        found = tf.cast(normalize_records(scaled, counts, kind, causal=causal).values, tf.float32)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_and_the_same_in_a_graph(batch, kind, causal):
    values, counts = batch
    values = tf.constant(np.where(counts, values, 0))

    @tf.function(input_signature=[tf.TensorSpec([None, None, 2]), tf.TensorSpec([None, None, 2], tf.bool)])
    def traced(x, there):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = normalize_records(x, there, kind, causal=causal).values
        return y, tape.gradient(y, x)

    out, gradient = traced(values, counts)
    np.testing.assert_array_equal(out, normalize_records(values, counts, kind, causal=causal).values)
    assert np.isfinite(gradient[1:4]).all() and np.isfinite(gradient[5:]).all()
