"""The contract of a kind of label: its computations, from the network's vectors to the served model's predictions."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from tfx_sequences.components.kinds.head_statistics import HeadStatistics
from tfx_sequences.components.kinds.measures import Measures, Sums
from tfx_sequences.schemas.kinds.declared_kind import DeclaredKind
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LossFunction = Callable[[Any, Any], tf.Tensor]
"""Maps targets and outputs to the loss of each target, float32 `[B]`, or `[B, T]` for steps."""


@dataclasses.dataclass(frozen=True)
class HeadInputs:
    """What a head is built from.

    Attributes:
        spec: The spec.
        name: The head's name.
        label: Its label.
        statistics: Statistics of the training split for this head.
        tensors: The model's inputs by name, symbolic.
        vectors: The network's vectors: `[B, T, D]` for steps, otherwise `[B, D]`; symbolic.
    """

    spec: SequenceSpec
    name: str
    label: Label
    statistics: HeadStatistics
    tensors: Mapping[str, Any]
    vectors: Any

    @property
    def prefix(self) -> str:
        """The prefix of the names of its layers."""
        return self.spec.output_prefix(self.name)


class LabelKind(abc.ABC):
    """A kind of label. All methods ignore targets of weight zero.

    Attributes:
        declared: The declaration of the kind, by which it is found.
    """

    declared: ClassVar[DeclaredKind]

    @abc.abstractmethod
    def output(self, head: HeadInputs) -> Any:
        """The symbolic output of the head: float32, `C` or `D` numbers for each record or step."""

    @abc.abstractmethod
    def loss(self, label: Label, class_weights: Sequence[float] = ()) -> LossFunction:
        """The loss of each target.

        Args:
            label: The label.
            class_weights: Weight of each of the `C` classes; empty if all weights are 1.
        """

    def training_loss(self, label: Label, layer: Callable[[str], Any], loss: LossFunction) -> LossFunction | None:
        """A separate loss for training, if the head returns other outputs there; otherwise None.

        Args:
            label: The label.
            layer: Returns a layer of the head by its name without the prefix.
            loss: The loss, as returned by `loss`.
        """
        del label, layer, loss
        return None

    def average(self, outputs: Sequence[Any]) -> Any:
        """The output of an ensemble: by default the mean of its members' outputs.

        Args:
            outputs: Outputs as in `output`, one per member.
        """
        return sum(outputs) / len(outputs)

    @abc.abstractmethod
    def measures(self, label: Label, classes: Sequence[str] = (), *, with_curve: bool = False) -> Measures:
        """The measures of the head.

        Args:
            label: The label.
            classes: The classes, in the order of the outputs.
            with_curve: Whether to include the sums for a curve over thresholds: two numbers for each of 1000 buckets.
        """

    def further_parts(self, label: Label, classes: Sequence[str]) -> list[Sums]:
        """The sums of the further metrics that the label asks for; those of `ScoreBuckets` need none of their own.

        Args:
            label: The label.
            classes: The classes, in the order of the outputs.
        """
        del label, classes
        return []

    @abc.abstractmethod
    def served(self, label: Label, output: tf.Tensor, classes: Sequence[str]) -> dict[str, tf.Tensor]:
        """The served model's predictions, by the names in `declared.outputs`.

        Args:
            label: The label.
            output: The head's output, as in `output`.
            classes: The classes, in the order of the outputs.
        """

    def evaluated_target(self, label: Label, target: tf.Tensor, classes: Sequence[str]) -> tf.Tensor:
        """The target in the form that the Evaluator compares with predictions; by default unchanged."""
        del label, classes
        return target
