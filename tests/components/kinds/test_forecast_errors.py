import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.forecast_errors import ForecastErrors, forecast_loss, mase, smape
from tfx_sequences.schemas.spec.label import Label

RANDOM = np.random.default_rng(8)
ACTUAL = RANDOM.normal(5, 9, (7, 4)).astype("float32")
FORECAST = RANDOM.normal(5, 9, (7, 4)).astype("float32")
SCALE = np.float32([1, 2, 0, 0.5, 3, 1, 1])
WEIGHT = np.float32([1, 2, 1, 0, 0.5, 3, 1])
TARGETS = tf.constant(np.concatenate([ACTUAL, SCALE[:, None]], axis=1))


def label(loss="mase"):
    return Label(key="f", type="forecast", horizon=4, target="x", forecast={"loss": loss})


def plain_smape(actual, forecast):
    """As the M4 competition's own benchmark code defines it, step by step."""
    terms = [2 * abs(a - f) / (abs(a) + abs(f)) for a, f in zip(actual.tolist(), forecast.tolist(), strict=True)]
    return 100 * sum(terms) / len(terms)


def test_both_errors_are_what_numpy_says():
    expected = [plain_smape(a, f) for a, f in zip(ACTUAL, FORECAST, strict=True)]
    np.testing.assert_allclose(smape(ACTUAL, FORECAST), expected, rtol=1e-5)
    with_scale = SCALE > 0
    received = mase(ACTUAL, FORECAST, SCALE).numpy()
    np.testing.assert_allclose(
        received[with_scale], np.abs(ACTUAL - FORECAST).mean(1)[with_scale] / SCALE[with_scale], rtol=1e-5
    )
    assert received[~with_scale].tolist() == [0]


def test_smape_is_between_0_and_200_and_right_at_zero():
    zero, one = tf.zeros([1, 2]), tf.ones([1, 2])
    assert [float(smape(a, f)[0]) for a, f in ((zero, zero), (one, zero), (one, -one), (one, one))] == [0, 200, 200, 0]


def test_figures_are_weighted_means_over_series():
    sums = ForecastErrors().sums(TARGETS, FORECAST, WEIGHT)
    found = {name: float(x) for name, x in ForecastErrors().figures(tf.reduce_sum(sums, axis=0)).items()}
    each = np.array([plain_smape(a, f) for a, f in zip(ACTUAL, FORECAST, strict=True)])
    absolute = np.abs(ACTUAL - FORECAST).mean(1)
    np.testing.assert_allclose(found["smape"], np.average(each, weights=WEIGHT), rtol=1e-5)
    np.testing.assert_allclose(found["mean_absolute_error"], np.average(absolute, weights=WEIGHT), rtol=1e-5)
    there = SCALE > 0
    of_mase = np.average(absolute[there] / SCALE[there], weights=WEIGHT[there])
    np.testing.assert_allclose(found["mase"], of_mase, rtol=1e-5)


def test_what_weighs_nothing_may_be_anything():
    wild = tf.where(WEIGHT[:, None] > 0, TARGETS, float("nan"))
    np.testing.assert_array_equal(
        ForecastErrors().sums(wild, FORECAST, WEIGHT), ForecastErrors().sums(TARGETS, FORECAST, WEIGHT)
    )


def test_no_series_with_a_scale_is_no_mase_of_0():
    targets = tf.concat([ACTUAL, tf.zeros([7, 1])], axis=1)
    found = ForecastErrors().figures(tf.reduce_sum(ForecastErrors().sums(targets, FORECAST, WEIGHT), axis=0))
    assert np.isnan(found["mase"]) and np.isfinite(found["smape"])


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mean_absolute_error", np.abs(ACTUAL - FORECAST).mean(1)),
        ("mean_squared_error", np.square(ACTUAL - FORECAST).mean(1)),
        ("smape", [plain_smape(a, f) / 100 for a, f in zip(ACTUAL, FORECAST, strict=True)]),
        ("mase", [x / s if s else 0 for x, s in zip(np.abs(ACTUAL - FORECAST).mean(1), SCALE, strict=True)]),
    ],
)
def test_a_loss_is_the_figure_of_its_name(loss, expected):
    np.testing.assert_allclose(forecast_loss(TARGETS, FORECAST, label(loss)), expected, rtol=1e-5)


def test_a_perfect_forecast_has_a_finite_gradient():
    for loss in ("mase", "smape"):
        for value in (0.0, 3.0):
            forecast = tf.fill([2, 4], value)
            with tf.GradientTape() as tape:
                tape.watch(forecast)
                total = tf.reduce_sum(forecast_loss(tf.fill([2, 5], value), forecast, label(loss)))
            assert np.isfinite(tape.gradient(total, forecast)).all()
