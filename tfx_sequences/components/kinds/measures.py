"""What a head is measured by, as sums per record: training and evaluation compute them by the same code.

A figure of a whole split is a function of sums over its records, so any batches and workers give
the same one, and each real step counts exactly once.
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
    """Some sums of a head, and the figures that are made of them.

    Attributes:
        size: How many sums, `N`.
        left_out: Figures that training does not show, for its own loss, or another figure, says the same.
    """

    size: int
    left_out: ClassVar[frozenset[str]] = frozenset()

    @abc.abstractmethod
    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The sums of each record, float32 `[B, N]`."""

    @abc.abstractmethod
    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        """The figures by name, of the sums over all records `[N]`."""

    def undefined(self, total: np.ndarray, found: dict[str, float]) -> set[str]:
        """Names of the figures that the records do not define."""
        del total, found
        return set()


class WeightedMeans(Sums):
    """Means over all targets by their weight. The first of the sums is the weight, the others are those of the values.

    Args:
        names: Of the figures.
        values: Targets and outputs to a value of each target for each of the figures, `[B]` or `[B, T]`.
        per_step: Targets are those of steps.
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


class Measures:
    """The sums of one head, and the figures that are made of them.

    Args:
        label: The label.
        parts: The sums; the very first one is the weight of the targets.

    >>> means = WeightedMeans(("error",), lambda targets, outputs: [tf.abs(targets - outputs)], per_step=False)
    >>> measures = Measures(Label(key="y", type="regression"), [means])
    >>> measures.measured(np.sum(measures.sums(tf.constant([1.0, 2.0]), tf.constant([1.0, 4.0]), [1.0, 3.0]), axis=0))
    {'error': 1.5}
    """

    def __init__(self, label: Label, parts: Sequence[Sums]) -> None:
        self.label = label
        self._parts = tuple(parts)

    @property
    def size(self) -> int:
        """Number of sums `S`."""
        return sum(part.size for part in self._parts)

    def sums(self, targets: Any, outputs: Any, weights: Any) -> tf.Tensor:
        """The sums of each record, float32 `[B, S]`.

        Args:
            targets: As of `targets_and_weights`.
            outputs: As the model gives them.
            weights: `[B]`, of steps `[B, T]`; what weighs zero is not there.
        """
        outputs, weights = tf.cast(outputs, tf.float32), tf.cast(weights, tf.float32)
        return tf.concat([part.sums(targets, outputs, weights) for part in self._parts], axis=1)

    def figures(self, total: Any) -> dict[str, tf.Tensor]:
        """The figures by name; 0 or NaN where nothing defines one.

        Args:
            total: The sums over all records, `[S]`.
        """
        found: dict[str, tf.Tensor] = {}
        for part, its in self._of_parts(tf.convert_to_tensor(total)):
            found |= part.figures(its)
        return found

    def shown(self, total: Any) -> dict[str, tf.Tensor]:
        """The figures that training shows beside its loss."""
        left_out: frozenset[str] = functools.reduce(frozenset.union, (part.left_out for part in self._parts))
        return {name: value for name, value in self.figures(total).items() if name not in left_out}

    def measured(self, total: np.ndarray) -> dict[str, float]:
        """The figures that the records define, as plain numbers; what weighs nothing has no mean."""
        if not total[0] > 0:
            return {}
        found = {name: float(value) for name, value in self.figures(total).items()}
        undefined = set().union(*(part.undefined(its, found) for part, its in self._of_parts(total)))
        return {name: value for name, value in found.items() if name not in undefined}

    def part_of(self, kind: type[Sums], total: Any) -> Any:
        """The sums of one of the parts; None where there is no such part."""
        return next((its for part, its in self._of_parts(total) if isinstance(part, kind)), None)

    def _of_parts(self, total: Any) -> list[tuple[Sums, Any]]:
        at, found = 0, []
        for part in self._parts:
            found.append((part, total[at : at + part.size]))
            at += part.size
        return found
