"""Naive numbers and forecasts against their definitions in NumPy."""

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error

from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.components.naive.numbers import NaiveForecasts, NaiveNumbers, seasonal_naive
from tfx_sequences.schemas.spec.label import Label


@pytest.mark.parametrize("shape", [(), (3,)])
def test_the_mean_is_that_of_the_training_split_by_weight(shape):
    random = np.random.default_rng(5)
    # Far from 0, where squares drown what differs.
    (train, weights), (test, tested) = (
        (random.normal(1000, 1, (n, *shape)).astype("float32"), random.integers(0, 3, n).astype("float32"))
        for n in (80, 50)
    )
    head = NaiveNumbers(Label(key="y", type="regression", shape=shape))
    for part in np.array_split(np.arange(80), 3):
        head.fit(HeadBatch(train[part], weights[part]))
    head.measure(HeadBatch(test, tested))
    mean = np.broadcast_to(np.average(train.astype(float), axis=0, weights=weights), test.shape)
    assert head.answers() == {
        "mean_squared_error": {"training mean": pytest.approx(mean_squared_error(test, mean, sample_weight=tested))},
        "mean_absolute_error": {"training mean": pytest.approx(mean_absolute_error(test, mean, sample_weight=tested))},
    }


def test_the_previous_value_of_a_step():
    random = np.random.default_rng(6)
    values = random.normal(0, 1, (9, 7)).cumsum(axis=1).astype("float32")
    weights = np.ones((9, 7), "float32")
    weights[:, -1] = 0
    head = NaiveNumbers(Label(key="y", type="regression", per_step=True, shift=1))
    batch = HeadBatch(np.roll(values, -1, axis=1), weights, previous=values)
    head.fit(batch)
    head.measure(batch)
    found = head.answers()
    steps = np.diff(values.astype(float), axis=1)
    assert found["mean_squared_error"]["previous value repeated"] == pytest.approx(np.square(steps).mean())
    assert found["mean_absolute_error"]["previous value repeated"] == pytest.approx(np.abs(steps).mean())
    assert found["mean_squared_error"]["training mean"] == pytest.approx(values[:, 1:].var(), rel=1e-5)


def forecast_label(**options):
    return Label(key="future", type="forecast", horizon=5, target="x", forecast=options)


def measured(label, history, lengths, future, scale, weights):
    head = NaiveForecasts(label)
    for part in np.array_split(np.arange(len(history)), 3):
        targets = np.concatenate([future, scale[:, None]], axis=1).astype("float32")[part]
        head.measure(HeadBatch(targets, weights[part], history=history[part], lengths=lengths[part]))
    return head.answers()


def test_a_series_that_repeats_itself_is_forecast_by_its_season_without_error():
    season = np.array([1.0, 5.0, 2.0, 8.0])
    series = np.tile(season, 6)[None, :].repeat(3, axis=0)
    lengths = np.array([16, 17, 19])
    future = np.stack([row[n : n + 5] for row, n in zip(series, lengths, strict=True)])
    history = np.where(np.arange(24) < lengths[:, None], series, 0)
    found = measured(forecast_label(lags=(4,)), history, lengths, future, np.ones(3), np.ones(3, "float32"))
    for figure in ("smape", "mase", "mean_absolute_error"):
        assert found[figure]["last 4 steps repeated"] == 0
        assert found[figure]["last value repeated"] > 0.5


def test_figures_are_those_of_the_definitions():
    random = np.random.default_rng(7)
    lengths = random.integers(1, 30, 40)
    # Padding must not matter.
    history = random.normal(50, 9, (40, 30))
    future = random.normal(50, 9, (40, 5))
    weights = random.integers(0, 3, 40).astype("float32")
    scale = random.integers(0, 3, 40).astype(float)
    found = measured(forecast_label(seasonality=7, lags=(7, 12)), history, lengths, future, scale, weights)
    forecasts = {
        "last value repeated": [],
        "last 7 steps repeated": [],
        "last 12 steps repeated": [],
        "mean of the history": [],
    }
    for row, length in zip(history, lengths, strict=True):
        seen = row[:length]
        forecasts["last value repeated"].append([seen[-1]] * 5)
        for season in (7, 12):
            its = [seen[length - season + h % season] for h in range(5)] if length >= season else [seen[-1]] * 5
            forecasts[f"last {season} steps repeated"].append(its)
        forecasts["mean of the history"].append([seen.mean()] * 5)
    assert set(found["smape"]) == set(forecasts)
    for answer, rows in forecasts.items():
        error, size = np.abs(np.array(rows) - future), np.abs(rows) + np.abs(future)
        there = scale > 0
        expected = {
            "smape": np.average(200 * (error / size).mean(axis=1), weights=weights),
            "mean_absolute_error": np.average(error.mean(axis=1), weights=weights),
            "mase": np.average(error.mean(axis=1)[there] / scale[there], weights=weights[there]),
        }
        for figure, value in expected.items():
            assert found[figure][answer] == pytest.approx(value, rel=1e-5), (figure, answer)


def test_a_season_longer_than_the_horizon_and_one_shorter():
    history, lengths = np.arange(10.0)[None, :], np.array([10])
    assert seasonal_naive(history, lengths, 7, 3).tolist() == [[3, 4, 5]]
    assert seasonal_naive(history, lengths, 2, 5).tolist() == [[8, 9, 8, 9, 8]]
