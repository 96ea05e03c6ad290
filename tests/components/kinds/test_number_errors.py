"""Errors of numbers are those of scikit-learn, also of numbers that differ in their last digits only."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error, r2_score, root_mean_squared_error

from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.schemas.spec.label import Label

NUMBERS = ("root_mean_squared_error", "mean_absolute_percentage_error", "r_squared")
FORECASTS = ("root_mean_squared_error", "mean_absolute_percentage_error", "weighted_absolute_percentage_error")


def figures(label, targets, outputs, weights):
    measures = evaluated_measures(label, with_curve=True)
    sums = [
        measures.sums(targets[part], outputs[part], weights[part]) for part in np.array_split(range(len(targets)), 5)
    ]
    return measures.measured(sum(np.sum(x.numpy(), axis=0, dtype=np.float64) for x in sums))


@pytest.mark.parametrize("offset", [0, 1e4])
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_errors_of_numbers(size, per_step, offset):
    random = np.random.default_rng(0)
    shape = (60, 5) if per_step else (60,)
    targets = (offset + random.normal(size=(*shape, size))).astype("float32")
    outputs = (targets + random.normal(scale=0.3, size=targets.shape)).astype("float32")
    weights = random.choice(np.float32([0, 1, 2]), shape)
    label = Label(key="y", type="regression", per_step=per_step, shape=(size,) if size > 1 else (), measures=NUMBERS)
    found = figures(label, targets if size > 1 else targets[..., 0], outputs, weights)
    there = weights > 0
    given = (targets[there].astype(float), outputs[there].astype(float))
    weight = {"sample_weight": weights[there]}
    np.testing.assert_allclose(found["r_squared"], r2_score(*given, **weight), rtol=1e-6)
    np.testing.assert_allclose(
        found["mean_absolute_percentage_error"], 100 * mean_absolute_percentage_error(*given, **weight), rtol=1e-3
    )
    squared = np.average(((given[0] - given[1]) ** 2).mean(-1), weights=weights[there])
    np.testing.assert_allclose(found["root_mean_squared_error"], np.sqrt(squared), rtol=1e-4)


def test_values_of_zero_have_no_error_in_percent_and_constants_no_determination():
    label = Label(key="y", type="regression", measures=NUMBERS)
    found = figures(label, np.float32([0, 2, 4, 4, 4]), np.float32([[1], [1], [4], [4], [4]]), np.ones(5, "float32"))
    assert found["mean_absolute_percentage_error"] == pytest.approx(100 * 0.5 / 4)
    constant = figures(label, np.full(5, 7.3, "float32"), np.zeros((5, 1), "float32"), np.ones(5, "float32"))
    assert "r_squared" not in constant and constant["root_mean_squared_error"] == pytest.approx(7.3)


def test_errors_of_forecasts():
    random = np.random.default_rng(2)
    actual = random.uniform(1, 9, (30, 4)).astype("float32")
    forecast = (actual + random.normal(size=actual.shape)).astype("float32")
    targets = np.concatenate([actual, np.ones((30, 1), "float32")], axis=1)
    label = Label(key="y", type="forecast", horizon=4, target="x", measures=FORECASTS)
    found = figures(label, targets, forecast, np.ones(30, "float32"))
    expected = {
        "root_mean_squared_error": root_mean_squared_error(actual.ravel(), forecast.ravel()),
        "mean_absolute_percentage_error": 100 * mean_absolute_percentage_error(actual, forecast),
        "weighted_absolute_percentage_error": 100 * np.abs(actual - forecast).sum() / actual.sum(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
