"""The optimizer of a spec: Keras' own, with its schedule and clipping."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.training_options import Schedule, Training

_WITH_MOMENTUM = ("sgd", "rmsprop")
_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
}


def make_optimizer(training: Training, steps_per_epoch: int | None = None) -> keras.optimizers.Optimizer:
    """The optimizer of a spec's `training`.

    Args:
        training: The section.
        steps_per_epoch: Steps of an epoch, for schedules that do not say how long they take.

    Under a `tf.distribute` strategy it clips the whole gradient, that of all replicas.

    Raises:
        UserInputError: A schedule needs `steps_per_epoch`, and it is not given.

    >>> make_optimizer(Training(optimizer="sgd", momentum=0.9)).momentum
    0.9
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    options: dict[str, Any] = {
        "global_clipnorm": training.gradient_clip_norm and training.gradient_clip_norm / replicas,
        "clipvalue": training.gradient_clip_value and training.gradient_clip_value / replicas,
        "use_ema": training.ema_momentum is not None,
    }
    if training.ema_momentum is not None:
        options["ema_momentum"] = training.ema_momentum
    if training.weight_decay is not None:
        options["weight_decay"] = training.weight_decay
    if training.optimizer in _WITH_MOMENTUM:
        options["momentum"] = training.momentum
    rate = learning_rate(training, training.steps_per_epoch or steps_per_epoch)
    kind = _OPTIMIZERS[training.optimizer]
    if replicas > 1:
        kind = type(kind.__name__, (_WholeGradient, kind), {})
    return kind(rate, **options)


def learning_rate(training: Training, steps_per_epoch: int | None) -> Any:
    """The learning rate: a number, or Keras' schedule of it.

    >>> rate = learning_rate(Training(learning_rate=0.1, schedule=Schedule(warmup_steps=4)), None)
    >>> [round(float(rate(step)), 3) for step in (0, 1, 4, 9)]
    [0.0, 0.025, 0.1, 0.1]
    """
    schedule, highest = training.schedule, training.learning_rate
    rate: Any = highest
    if schedule.type == "cosine":
        steps = schedule.decay_steps
        if steps is None:
            steps = max(1, _known(steps_per_epoch, schedule) * training.epochs - schedule.warmup_steps)
        rate = keras.optimizers.schedules.CosineDecay(highest, steps, alpha=schedule.final_fraction)
    elif schedule.type == "exponential":
        steps = schedule.decay_steps or _known(steps_per_epoch, schedule)
        rate = keras.optimizers.schedules.ExponentialDecay(highest, steps, schedule.decay_rate)
    return WarmUp(rate, schedule.warmup_steps) if schedule.warmup_steps else rate


@keras.saving.register_keras_serializable("tfx_sequences")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises from 0 in a line, then follows another schedule from its beginning.

    Args:
        after: A schedule, or a number that stays.
        steps: Steps of the rise.
    """

    def __init__(self, after: Any, steps: int) -> None:
        self.after = after
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        follows = isinstance(self.after, keras.optimizers.schedules.LearningRateSchedule)
        rate = self.after(ops.maximum(step - self.steps, 0.0)) if follows else self.after
        return rate * ops.minimum(step / self.steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"after": keras.saving.serialize_keras_object(self.after), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        return cls(keras.saving.deserialize_keras_object(config["after"]), config["steps"])


class _WholeGradient:
    """Gives a Keras optimizer, on each replica, its share of the gradient of all: they are then clipped alike.

    Keras clips on each replica before it sums, so a gradient would be clipped that is none of the batch.
    """

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        replica = tf.distribute.get_replica_context()
        given = [gradient for gradient in grads if gradient is not None]
        summed = iter(replica.all_reduce(tf.distribute.ReduceOp.SUM, given))
        share = 1 / replica.num_replicas_in_sync
        grads = [None if gradient is None else _scaled(next(summed), share) for gradient in grads]
        return super().apply(grads, trainable_variables)  # type: ignore[misc]


def _scaled(gradient: Any, factor: float) -> Any:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(gradient.values * factor, gradient.indices, gradient.dense_shape)
    return gradient * factor


def _known(steps_per_epoch: int | None, schedule: Schedule) -> int:
    if steps_per_epoch is None:
        raise UserInputError(
            f"It is not known how long the {schedule.type} schedule takes.",
            expected="training.schedule.decay_steps, or the number of steps of an epoch",
            fix="Set decay_steps in the spec, or give steps_per_epoch to compile_model.",
        )
    return steps_per_epoch
