"""The contract of a kind of label: what computes, from the network's vectors to the answers of the served model."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfx_sequences.components.kinds.head_statistics import HeadStatistics
from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.schemas.kinds.declared_kind import DeclaredKind
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LossFunction = Callable[[Any, Any], tf.Tensor]
"""Targets and outputs to the loss of each target, float32 `[B]`, or `[B, T]` of steps."""


@dataclasses.dataclass(frozen=True)
class HeadInputs:
    """What a head is built from.

    Attributes:
        spec: The spec.
        name: The head's name.
        label: Its label.
        statistics: What the training split decides of it.
        tensors: The model's inputs by name, symbolic.
        vectors: What the network says: of steps `[B, T, D]`, else `[B, D]`; symbolic.
    """

    spec: SequenceSpec
    name: str
    label: Label
    statistics: HeadStatistics
    tensors: Mapping[str, Any]
    vectors: Any

    @property
    def prefix(self) -> str:
        """What the names of its layers begin with."""
        return self.spec.output_prefix(self.name)


class LabelKind(abc.ABC):
    """A kind of label. All methods treat targets that weigh nothing as if they were not there.

    Attributes:
        declared: What is declared of it, and what it is found by.
    """

    declared: ClassVar[DeclaredKind]

    @abc.abstractmethod
    def output(self, head: HeadInputs) -> Any:
        """The symbolic output of the head, float32, `C` or `D` numbers of each record or step."""

    @abc.abstractmethod
    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        """The loss of each target.

        Args:
            label: The label.
            class_weights: Weight of each class, `C` of them; empty where all weigh 1.
        """

    def training_loss(self, label: Label, layer: Callable[[str], Any], loss: LossFunction) -> LossFunction | None:
        """Another loss in training, if the head hands something else on there than what it answers; else None.

        Args:
            label: The label.
            layer: Gives a layer of the head by its name without the prefix.
            loss: As of `loss`.
        """
        del label, layer, loss
        return None

    def average(self, outputs: Sequence[Any]) -> Any:
        """The answer of an ensemble: by default the mean of the numbers that its members answer.

        Args:
            outputs: As of `output`, one of each member.
        """
        return sum(outputs) / len(outputs)

    @abc.abstractmethod
    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        """What the head is measured by.

        Args:
            label: The label.
            classes: The classes, in the order of the outputs.
            with_curve: Whether to sum up what a curve over thresholds needs, two numbers for each of 1000 buckets.
        """

    @abc.abstractmethod
    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        """What the served model answers, by the names of `declared.outputs`.

        Args:
            label: The label.
            output: As of `output`.
            classes: The classes, in the order of the outputs.
        """

    def evaluated_target(self, label: Label, target: tf.Tensor, classes: Sequence[str]) -> tf.Tensor:
        """The target as the Evaluator compares it with what the model answers; by default as it is."""
        del label, classes
        return target
