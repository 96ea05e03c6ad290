"""A Keras model whose loss and epoch metrics count each real step, or each record, once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfx_sequences.components.kinds.label_kind import LossFunction
from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.components.network.ensemble import members_of, of_head
from tfx_sequences.components.network.gradient_clipping import GradientClipping, scaled, summed_over_replicas


@dataclasses.dataclass(frozen=True)
class FittedHead:
    """Loss and measures of one head.

    Attributes:
        loss: Maps targets and outputs to the loss of each target, `[B]` or `[B, T]`.
        measures: The head's measures.
        weight: Weight of its loss in the total loss.
        training_losses: Separate losses for training, one for each member of an ensemble, if the outputs differ
            there; the measures are then computed in validation only.
        expected_targets: Expected weight of a step's targets, the mean over the training split. The summed loss of a
            step is divided by it. None divides by the number of the step's own targets.
    """

    loss: LossFunction
    measures: Measures
    weight: float = 1.0
    training_losses: tuple[LossFunction, ...] = ()
    expected_targets: float | None = None


@keras.saving.register_keras_serializable("tfx_sequences")
class SequenceModel(keras.Model):
    """A functional model fitted to targets that may be padded.

    The loss of a step is the weighted sum of the losses of its targets, in the batches of all replicas, divided by a
    constant: the expected weight of a step's targets. So the gradients of an epoch's steps add up to the gradient of
    all its targets times that constant, and batching does not change what is learned. (If each step were divided by
    its own number of targets, a target in a batch of short records would count several times as much as one in a batch
    of long records.) The losses of several heads are added with their weights.
    Each member of an ensemble has this loss, and is fitted by its own loss only.
    In `history`, `loss` and all other metrics are computed over all targets of the epoch, so they do not
    depend on the batches.

    Targets and weights are those of `targets_and_weights`. Call `set_heads` before `compile`.
    """

    def set_heads(self, heads: Mapping[str, FittedHead], clipping: GradientClipping | None = None) -> None:
        """Sets the heads; a single head uses the model's only output.

        Args:
            heads: Heads by name.
            clipping: Clipping of a step's gradient.
        """
        # In a separate holder, because Keras locks the objects that a built model tracks.
        self._fitted = _Fitted(dict(heads), clipping or GradientClipping())

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Keras' own metrics, and those of the heads."""
        fitted = getattr(self, "_fitted", None)
        return super().metrics + (fitted.metrics if fitted else [])

    def train_step(self, data: Any) -> dict[str, Any]:
        """Does one optimizer step; it does not update measures of heads with a separate training loss."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        self._fitted.in_training = True
        try:
            with tf.GradientTape() as tape:
                of_members = [member(x, training=True) for member in members_of(self)]
                loss = self._penalties()
                for number, outputs in enumerate(of_members):
                    loss += self._loss_of_targets(y, outputs, sample_weight, member=number)
                loss = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(self._clipped(gradients), self.trainable_variables)
            return self.compute_metrics(x, y, self._averaged(of_members), sample_weight)
        finally:
            self._fitted.in_training = False

    def _clipped(self, gradients: list[Any]) -> list[Any]:
        """The gradients to apply: clipped for all replicas together, of which each replica applies an equal part."""
        clipping = self._fitted.clipping
        if not clipping:
            return gradients
        replicas = _replicas()
        whole = summed_over_replicas(gradients) if replicas > 1 else gradients
        whole = clipping(whole, self.optimizer.scale_loss(tf.ones([])))
        return scaled(whole, 1 / replicas) if replicas > 1 else whole

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of one batch, as the class describes it."""
        del x
        return self._penalties() + self._loss_of_targets(y, y_pred, sample_weight, member=0 if training else None)

    def _penalties(self) -> Any:
        """The penalties of the weights: the same on each replica, and the losses of replicas are added."""
        penalties = ops.sum(ops.stack([ops.cast(x, "float32") for x in self.losses])) if self.losses else 0.0
        return penalties / _replicas()

    def _averaged(self, of_members: list[Any]) -> Any:
        """The outputs of the ensemble, of heads that are measured in training."""
        if len(of_members) == 1:
            return of_members[0]
        averages = {
            name: self.get_layer(f"{name}_average")([of_head(name, outputs) for outputs in of_members])
            for name, head in self._fitted.heads.items()
            if not head.training_losses
        }
        return averages if isinstance(of_members[0], dict) else averages.get(next(iter(self._fitted.heads)))

    def _loss_of_targets(self, y: Any, y_pred: Any, sample_weight: Any, *, member: int | None) -> Any:
        """The loss of a member in training, or with `member=None` the loss of the model."""
        total = 0.0
        for name, head in self._fitted.heads.items():
            targets, outputs, weights = self._fitted.of_head(name, y, y_pred, sample_weight)
            loss = head.loss if member is None or not head.training_losses else head.training_losses[member]
            weighted, count = weighted_sum(loss(targets, outputs), weights)
            self._fitted.losses[name].add(weighted, count)
            total += head.weight * weighted / (head.expected_targets or tf.maximum(_over_replicas(count), 1.0))
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Updates the heads' metrics and returns all metrics."""
        del x
        for name, head in self._fitted.heads.items():
            if not (self._fitted.in_training and head.training_losses):
                self._fitted.figures[name].update_state(*self._fitted.of_head(name, y, y_pred, sample_weight))
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """All metrics; `loss` covers all targets so far."""
        results = super().get_metrics_result()
        fitted = self._fitted
        losses = {name: head.weight * fitted.losses[name].result() for name, head in fitted.heads.items()}
        results["loss"] = sum(losses.values())
        return results


class _Fitted:
    """The heads, and the Keras metrics that hold their sums."""

    def __init__(self, heads: dict[str, FittedHead], clipping: GradientClipping) -> None:
        self.heads = heads
        self.clipping = clipping
        self.in_training = False
        prefixes = {name: "" if len(heads) == 1 else f"{name}_" for name in heads}
        self.losses = {name: LossPerTarget(name=f"{prefixes[name]}loss") for name in heads}
        self.figures = {
            name: HeadFigures(h.measures, prefixes[name], name=f"{name}_figures") for name, h in heads.items()
        }

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.losses.values(), *self.figures.values()]

    def of_head(self, name: str, *of_all: Any) -> tuple[Any, Any, Any]:
        """Targets, outputs and weights of one head; without weights every target has weight 1."""
        targets, outputs, weights = (of_head(name, part) for part in of_all)
        if weights is None:
            weights = tf.ones(tf.shape(targets)[: 1 + self.heads[name].measures.label.per_step])
        return targets, outputs, weights


class LossPerTarget(keras.metrics.Metric):
    """The loss of all targets so far, divided by their number."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._total = self.add_variable((), "zeros", name="total", dtype="float64")
        self._count = self.add_variable((), "zeros", name="count", dtype="float64")

    def add(self, total: Any, count: Any) -> None:
        """Adds a batch's weighted sum and its number of targets."""
        self._total.assign_add(ops.cast(total, "float64"))
        self._count.assign_add(ops.cast(count, "float64"))

    def result(self) -> Any:
        """The mean, float32."""
        return ops.cast(self._total / ops.maximum(self._count, 1.0), "float32")


class HeadFigures(keras.metrics.Metric):
    """The metrics of one head by name, without its loss."""

    def __init__(self, measures: Measures, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._measures = measures
        self._prefix = prefix
        self._sums = self.add_variable((measures.size,), "zeros", name="sums", dtype="float64")

    def update_state(self, targets: Any, outputs: Any, weights: Any) -> None:
        """Adds a batch."""
        sums = self._measures.sums(targets, outputs, weights)
        self._sums.assign_add(tf.reduce_sum(tf.cast(sums, tf.float64), axis=0))

    def result(self) -> dict[str, Any]:
        """Metrics by name, prefixed by the head's name if there are several; without those for the evaluation only."""
        return {self._prefix + name: tf.cast(x, tf.float32) for name, x in self._measures.shown(self._sums).items()}


def _replicas() -> int:
    context = tf.distribute.get_replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def _over_replicas(count: tf.Tensor) -> tf.Tensor:
    if _replicas() == 1:
        return count
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, count)


def weighted_sum(losses: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The weighted sum of losses with a positive weight, and their number; both float32 scalars.

    A loss of weight zero does not count, whatever its value is, not even NaN. So sums and counts of any
    batches, padded in any way, add up to those of all rows computed one by one.

    >>> [x.numpy().item() for x in weighted_sum(tf.constant([1.0, 3.0, float("nan")]), tf.constant([1.0, 0.5, 0.0]))]
    [2.5, 2.0]
    """
    weights = tf.cast(weights, tf.float32)
    there = weights > 0
    return tf.reduce_sum(tf.where(there, losses * weights, 0.0)), tf.reduce_sum(tf.cast(there, tf.float32))
