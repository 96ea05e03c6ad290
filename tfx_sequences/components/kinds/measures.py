"""The measures of a head, as sums per record: training and evaluation compute them with the same code.

A metric of a whole split is a function of sums over its records. So it does not depend on batches and
workers, and each real step counts exactly once.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfx_sequences.schemas.spec.label import Label


class Sums(abc.ABC):
    """Sums of a head, and the metrics computed from them.

    Attributes:
        size: Number of sums, `N`.
        left_out: Metrics that training does not show, because its loss or another metric is equivalent.
    """

    size: int
    left_out: ClassVar[frozenset[str]] = frozenset()

    @abc.abstractmethod
    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The sums of each record, float32 `[B, N]`."""

    @abc.abstractmethod
    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        """The metrics by name, from the sums over all records `[N]`."""

    def undefined(self, total: np.ndarray, found: dict[str, float]) -> set[str]:
        """Names of the metrics that the records do not define."""
        del total, found
        return set()


class WeightedMeans(Sums):
    """Weighted means over all targets. The first sum is the weight, the others are the sums of the values.

    Args:
        names: Names of the metrics.
        values: Maps targets and outputs to the values of each metric for each target, `[B]` or `[B, T]`.
        per_step: Whether targets belong to steps.
    """

    left_out = frozenset({"loss", "mean_squared_error"})

    def __init__(self, names: Sequence[str], values: Callable[[Any, Any], Sequence[Any]], *, per_step: bool) -> None:
        self._names = tuple(names)
        self._values = values
        self._per_step = per_step
        self.size = 1 + len(self._names)

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        there = weights > 0
        parts = [weights, *(tf.where(there, x * weights, 0.0) for x in self._values(targets, outputs))]
        return tf.stack([tf.reduce_sum(x, axis=1) if self._per_step else x for x in parts], axis=1)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        return {name: tf.math.divide_no_nan(total[1 + i], total[0]) for i, name in enumerate(self._names)}


def values_of(functions: Sequence[Callable[[Any, Any], Any]], targets: Any, outputs: Any) -> list[Any]:
    """The values of several functions of targets and outputs; Beam's workers can get a partial of it, unlike a lambda.

    >>> values_of([max, min], 1, 2)
    [2, 1]
    """
    return [function(targets, outputs) for function in functions]


class Measures:
    """The sums of one head, and the metrics computed from them.

    Args:
        label: The label.
        parts: The sums; the first one is the weight of the targets.

    >>> means = WeightedMeans(("error",), lambda targets, outputs: [tf.abs(targets - outputs)], per_step=False)
    >>> measures = Measures(Label(key="y", type="regression"), [means])
    >>> measures.measured(np.sum(measures.sums(tf.constant([1.0, 2.0]), tf.constant([1.0, 4.0]), [1.0, 3.0]), axis=0))
    {'error': 1.5}
    """

    def __init__(self, label: Label, parts: Sequence[Sums]) -> None:
        self.label = label
        self._parts = tuple(parts)

    @property
    def parts(self) -> tuple[Sums, ...]:
        """The sums."""
        return self._parts

    @property
    def size(self) -> int:
        """Number of sums `S`."""
        return sum(part.size for part in self._parts)

    def sums(self, targets: Any, outputs: Any, weights: Any) -> tf.Tensor:
        """The sums of each record, float32 `[B, S]`.

        Args:
            targets: Targets as returned by `targets_and_weights`.
            outputs: The model's outputs.
            weights: `[B]`, or `[B, T]` for steps; targets of weight zero are ignored.
        """
        outputs, weights = tf.cast(outputs, tf.float32), tf.cast(weights, tf.float32)
        return tf.concat([part.sums(targets, outputs, weights) for part in self._parts], axis=1)

    def figures(self, total: Any) -> dict[str, tf.Tensor]:
        """The metrics by name; 0 or NaN if one is undefined.

        Args:
            total: The sums over all records, `[S]`.
        """
        found: dict[str, tf.Tensor] = {}
        for part, its in self._of_parts(tf.convert_to_tensor(total)):
            found |= part.figures(its)
        return found

    def shown(self, total: Any) -> dict[str, tf.Tensor]:
        """The metrics that training shows in addition to its loss."""
        left_out: frozenset[str] = functools.reduce(frozenset.union, (part.left_out for part in self._parts))
        return {name: value for name, value in self.figures(total).items() if name not in left_out}

    def measured(self, total: np.ndarray) -> dict[str, float]:
        """The metrics that the records define, as plain numbers; empty if the total weight is zero."""
        if not total[0] > 0:
            return {}
        found = {name: float(value) for name, value in self.figures(total).items()}
        undefined = set().union(*(part.undefined(its, found) for part, its in self._of_parts(total)))
        return {name: value for name, value in found.items() if name not in undefined}

    def part_of(self, kind: type[Sums], total: Any) -> Any:
        """The sums of one of the parts; None if the part does not exist."""
        return next((its for part, its in self._of_parts(total) if isinstance(part, kind)), None)

    def _of_parts(self, total: Any) -> list[tuple[Sums, Any]]:
        at, found = 0, []
        for part in self._parts:
            found.append((part, total[at : at + part.size]))
            at += part.size
        return found
