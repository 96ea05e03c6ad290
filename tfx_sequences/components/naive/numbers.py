"""Naive answers for numbers: the mean, the last value, the value one season ago."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.naive.classes import Answers
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.label import Label


class NaiveNumbers:
    """Evaluates the training mean and the previous value for one regression head.

    Args:
        label: The label.
    """

    reads_training = True
    left_out: Sequence[str] = ()

    def __init__(self, label: Label) -> None:
        self._label = label
        self._total = np.zeros(label.size)
        self._weight = 0.0
        self._sums: dict[str, np.ndarray] = {}

    def fit(self, batch: HeadBatch) -> None:
        """Counts a batch of the training split."""
        targets, weights = self._there(batch, batch.targets)
        self._total += weights @ targets
        self._weight += weights.sum()

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the evaluated split."""
        targets, weights = self._there(batch, batch.targets)
        if self._weight:
            self._add("training mean", targets - self._total / self._weight, weights)
        if batch.previous is not None:
            self._add("previous value repeated", targets - self._there(batch, batch.previous)[0], weights)

    def answers(self) -> Answers:
        """The metrics on the evaluated split."""
        return _answers(self._label, self._sums)

    def _there(self, batch: HeadBatch, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The values `[N, D]` with a positive weight, and their weights."""
        there = batch.weights > 0
        return values[there].reshape(-1, self._label.size).astype(np.float64), batch.weights[there].astype(np.float64)

    def _add(self, answer: str, error: np.ndarray, weights: np.ndarray) -> None:
        means = np.square(error).mean(axis=1), np.abs(error).mean(axis=1)
        sums = np.array([weights.sum(), *(weights @ mean for mean in means)])
        self._sums[answer] = self._sums.get(answer, 0) + sums


class NaiveForecasts:
    """Evaluates forecasts that need no learning: the last value, the last season repeated, the history's mean.

    The history is the part of a series that the network sees. If shorter than a season, its last value is repeated.

    Args:
        label: The label; its seasons are `forecast.seasonality` and `forecast.lags`.
    """

    reads_training = False
    left_out: Sequence[str] = ()

    def __init__(self, label: Label) -> None:
        self._label = label
        options = forecast_options(label)
        self._measures = kind_of(label).measures(label)
        self._seasons = sorted({options.seasonality, *options.lags} - {1})
        self._sums: dict[str, np.ndarray] = {}

    def fit(self, batch: HeadBatch) -> None:
        """Does nothing: these forecasts need no training split."""

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the evaluated split."""
        if batch.history is None or batch.lengths is None:
            return
        horizon = int(self._label.horizon or 0)
        forecasts = {"last value repeated": seasonal_naive(batch.history, batch.lengths, 1, horizon)}
        for season in self._seasons:
            seasonal = seasonal_naive(batch.history, batch.lengths, season, horizon)
            forecasts[f"last {season} steps repeated"] = seasonal
        total = np.where(np.arange(batch.history.shape[1]) < batch.lengths[:, None], batch.history, 0).sum(axis=1)
        mean = total / np.maximum(batch.lengths, 1)
        forecasts["mean of the history"] = np.repeat(mean[:, None], horizon, axis=1)
        for answer, forecast in forecasts.items():
            sums = self._measures.sums(batch.targets, forecast, batch.weights)
            self._sums[answer] = self._sums.get(answer, 0) + sums.numpy().astype(np.float64).sum(axis=0)

    def answers(self) -> Answers:
        """The metrics on the evaluated split."""
        return _answers(self._label, self._sums)


def seasonal_naive(history: np.ndarray, lengths: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """The last season of each series, repeated, `[B, horizon]`; the last value of a series shorter than a season.

    Args:
        history: Values, padded on the right, `[B, T]`.
        lengths: Number of real values, `[B]`.
        season: Steps of a season.
        horizon: Number of steps to forecast.

    >>> seasonal_naive(np.array([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]), np.array([3, 1]), 2, 3).tolist()
    [[2.0, 3.0, 2.0], [4.0, 4.0, 4.0]]
    """
    lengths = lengths[:, None]
    back = np.where(lengths >= season, season - np.arange(horizon) % season, 1)
    return np.take_along_axis(history, np.maximum(lengths - back, 0), axis=1)


def _answers(label: Label, sums: dict[str, np.ndarray]) -> Answers:
    found: Answers = {}
    measures = kind_of(label).measures(label)
    for answer, total in sums.items():
        for figure, value in measures.measured(total).items():
            found.setdefault(figure, {})[answer] = value
    return found
