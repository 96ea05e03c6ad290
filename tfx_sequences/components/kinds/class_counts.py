"""Precision, recall and F1, averaged over classes or over all decisions together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.measures import Sums

_NAMES = ("precision", "recall", "f1")


class ClassCounts(Sums):
    """Weights of right, predicted and true decisions by class: `macro_*` and `micro_*` precision, recall and F1.

    A macro average is the mean over the classes that occur, as targets or as predictions, as in scikit-learn: a class
    without predictions has precision 0, one without targets recall 0.

    Args:
        classes: Number of classes `C`.
        decisions: Maps targets and outputs to 0 and 1 for each class, predicted and true, both `[..., C]`.
    """

    def __init__(self, classes: int, decisions: Callable[[Any, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]) -> None:
        self._classes = classes
        self._decisions = decisions
        self.size = 3 * classes

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        predicted, true = (
            tf.where(weights[..., None] > 0, x * weights[..., None], 0.0) for x in self._decisions(targets, outputs)
        )
        both = tf.minimum(predicted, true)
        parts: Sequence[tf.Tensor] = (both, predicted, true)
        if weights.shape.rank == 2:
            parts = [tf.reduce_sum(x, axis=1) for x in parts]
        return tf.concat(parts, axis=1)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        right, predicted, true = tf.split(total, 3)
        by_class = _scores(right, predicted, true)
        there = tf.cast(predicted + true > 0, total.dtype)
        macro = [tf.math.divide_no_nan(tf.reduce_sum(x * there), tf.reduce_sum(there)) for x in by_class]
        micro = _scores(*(tf.reduce_sum(x) for x in (right, predicted, true)))
        return {
            f"{kind}_{name}": value
            for kind, values in (("macro", macro), ("micro", micro))
            for name, value in zip(_NAMES, values, strict=True)
        }


def _scores(right: tf.Tensor, predicted: tf.Tensor, true: tf.Tensor) -> list[tf.Tensor]:
    pairs = ((right, predicted), (right, true), (2 * right, predicted + true))
    return [tf.math.divide_no_nan(numerator, denominator) for numerator, denominator in pairs]
