"""Losses and measures of one's own: functions of targets and outputs that a label names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.label_kind import LossFunction
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.errors import SpecError
from tfx_sequences.own_functions import load_function
from tfx_sequences.schemas.kinds.losses_and_measures import is_path
from tfx_sequences.schemas.spec.label import Label


class OwnFunction:
    """A function that maps targets and outputs of a label to one value for each target.

    It gets targets as the Evaluator does: indices of classes, a vector of 0 and 1 by class, numbers, or the `horizon`
    values of a forecast; and outputs as `LabelKind.output` says: logits, or numbers.

    Args:
        path: Its path, `my_package.my_module.my_loss`.
        label: The label.
        classes: The classes, in the order of the outputs.
        field: The label's field that names it, for messages.
    """

    def __init__(self, path: str, label: Label, classes: Sequence[str], field: str) -> None:
        self._path = path
        self._label = label
        self._classes = classes
        self._field = field

    def __call__(self, targets: Any, outputs: Any) -> tf.Tensor:
        """Float32 `[B]`, or `[B, T]` for steps.

        Raises:
            SpecError: The function cannot be imported, fails, or does not return one value for each target.
        """
        targets = kind_of(self._label).evaluated_target(self._label, tf.convert_to_tensor(targets), self._classes)
        outputs = tf.cast(outputs, tf.float32)
        function = load_function(self._path, self._field)
        try:
            found = function(targets, outputs)
        except Exception as error:
            raise SpecError(
                f"{self._field}: {self._path} failed: {type(error).__name__}: {error}",
                expected="a function that maps targets and outputs to one value for each target",
                received=f"targets of the shape {targets.shape} and outputs of the shape {outputs.shape}",
                fix="Correct the function. It runs in a graph, so it must use operations of TensorFlow or Keras.",
            ) from error
        shape = getattr(found, "shape", None)
        expected = outputs.shape[: 2 if self._label.per_step else 1]
        if shape is None or not tf.TensorShape(shape).is_compatible_with(expected):
            raise SpecError(
                f"{self._field}: {self._path} does not return one value for each target.",
                expected=f"a tensor of the shape {'[B, T]' if self._label.per_step else '[B]'}, here {expected}",
                received=type(found).__name__ if shape is None else f"the shape {tuple(shape)}",
                fix="Reduce the last dimension only, for instance by tf.reduce_mean(..., axis=-1); "
                "weights and the sum over steps and records are applied afterwards.",
            )
        return tf.cast(found, tf.float32)


def head_loss(label: Label, classes: Sequence[str] = (), class_weights: Sequence[float] = ()) -> LossFunction:
    """The loss that training minimizes: the function of one's own that the label names, or a loss of its kind.

    Args:
        label: The label.
        classes: The classes, in the order of the outputs.
        class_weights: See `LabelKind.loss`.

    >>> head_loss(Label(key="y", type="regression"))(tf.constant([1.0]), tf.constant([[3.0]])).numpy().tolist()
    [4.0]
    """
    if label.loss is not None and is_path(label.loss):
        return OwnFunction(label.loss, label, classes, "loss")
    return kind_of(label).loss(label, class_weights)
