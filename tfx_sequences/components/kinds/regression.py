"""Labels that are a number, or a vector of numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf
from keras import layers

from tfx_sequences.components.kinds.label_kind import HeadInputs, LabelKind, LossFunction
from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans
from tfx_sequences.components.kinds.number_errors import of_numbers
from tfx_sequences.schemas.kinds.declared_kind import PREDICTIONS
from tfx_sequences.schemas.kinds.losses_and_measures import options_of
from tfx_sequences.schemas.kinds.regression import DeclaredRegression
from tfx_sequences.schemas.spec.label import Label


class Regression(LabelKind):
    """Numbers for each record, or for each step. Outputs are numbers `[..., D]` in the label's own units.

    Metrics are weighted means: `mean_squared_error` and `mean_absolute_error`, each averaged over a vector's numbers.
    """

    declared: ClassVar[DeclaredRegression] = DeclaredRegression()

    def output(self, head: HeadInputs) -> Any:
        """Learns in units of the label's spread, and predicts in the label's own units."""
        value = layers.Dense(head.label.size, name=f"{head.prefix}value", dtype="float32")(head.vectors)
        std, mean = [*head.statistics.std], [*head.statistics.mean]
        return layers.Rescaling(std, mean, name=f"{head.prefix}in_label_units", dtype="float32")(value)

    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        """The squared error, or the one that the label chooses, averaged over the numbers of a vector."""
        del class_weights
        options = options_of(label, self.declared.losses(label))
        return functools.partial(_loss, label, _ERRORS[label.loss or "mean_squared_error"], options)

    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        del classes, with_curve
        names = ("mean_squared_error", "mean_absolute_error")
        return Measures(label, [WeightedMeans(names, functools.partial(_errors, label), per_step=label.per_step)])

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        del classes
        numbers = functools.partial(as_vectors, label=label)
        return of_numbers(label.measures, numbers, label.size, per_step=label.per_step)

    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        del classes
        return {PREDICTIONS: output if label.is_vector else tf.squeeze(output, axis=-1)}


def as_vectors(targets: Any, label: Label) -> tf.Tensor:
    """Targets as float32 `[..., D]`; a single number becomes a vector of length one.

    >>> as_vectors([1.0, 2.0], Label(key="y", type="regression")).shape
    TensorShape([2, 1])
    """
    targets = tf.cast(targets, tf.float32)
    return targets if label.is_vector else targets[..., None]


def _huber(error: Any, value: Any, *, delta: float) -> Any:
    del value
    return tf.where(tf.abs(error) <= delta, error**2 / 2, delta * (tf.abs(error) - delta / 2))


def _percentage(error: Any, value: Any) -> Any:
    # As in Keras, values of 0 count as 1e-7.
    return 100 * tf.abs(error) / tf.maximum(tf.abs(value), 1e-7)


def _pinball(error: Any, value: Any, *, quantile: float) -> Any:
    del value
    return tf.maximum(quantile * error, (quantile - 1) * error)


# Each maps errors (value - prediction) and values to losses.
_ERRORS: dict[str, Callable[..., Any]] = {
    "mean_squared_error": lambda error, value: error**2,
    "mean_absolute_error": lambda error, value: tf.abs(error),
    "huber": _huber,
    "mean_absolute_percentage_error": _percentage,
    "pinball": _pinball,
}


def _loss(
    label: Label, loss: Callable[..., Any], options: Mapping[str, float], targets: Any, outputs: Any
) -> tf.Tensor:
    values = as_vectors(targets, label)
    return tf.reduce_mean(loss(values - tf.cast(outputs, tf.float32), values, **options), axis=-1)


def _squared_error(label: Label, targets: Any, outputs: Any) -> tf.Tensor:
    return tf.reduce_mean(tf.square(as_vectors(targets, label) - tf.cast(outputs, tf.float32)), axis=-1)


def _errors(label: Label, targets: Any, outputs: tf.Tensor) -> list[tf.Tensor]:
    absolute = tf.reduce_mean(tf.abs(as_vectors(targets, label) - outputs), axis=-1)
    return [_squared_error(label, targets, outputs), absolute]
