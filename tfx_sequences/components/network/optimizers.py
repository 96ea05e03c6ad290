"""The optimizer of a spec: Keras' own, with its schedule.

Gradients are clipped before the optimizer sees them, see `gradient_clipping`.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.auto import chosen
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
        training: The section, with all settings resolved.
        steps_per_epoch: Steps of an epoch, for schedules that do not specify their length.

    Raises:
        UserInputError: A schedule needs `steps_per_epoch`, which is not given.

    >>> make_optimizer(Training(optimizer="sgd", momentum=0.9, learning_rate=0.1, ema_momentum=None)).momentum
    0.9
    """
    momentum = chosen(training.ema_momentum)
    options: dict[str, Any] = {
        "use_ema": momentum is not None,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
    }
    if momentum is not None:
        options["ema_momentum"] = momentum
    if training.weight_decay is not None:
        options["weight_decay"] = training.weight_decay
    if training.optimizer in _WITH_MOMENTUM:
        options["momentum"] = training.momentum
    rate = learning_rate(training, training.steps_per_epoch or steps_per_epoch)
    return _OPTIMIZERS[training.optimizer](rate, **options)


def learning_rate(training: Training, steps_per_epoch: int | None) -> Any:
    """The learning rate: a number, or a Keras schedule.

    >>> rate = learning_rate(Training(learning_rate=0.1, schedule=Schedule(warmup_steps=4)), None)
    >>> [round(float(rate(step)), 3) for step in (0, 1, 4, 9)]
    [0.0, 0.025, 0.1, 0.1]
    """
    schedule, highest = training.schedule, chosen(training.learning_rate)
    rate: Any = highest
    if schedule.type == "cosine":
        steps = schedule.decay_steps
        if steps is None:
            steps = max(1, _known(steps_per_epoch, schedule) * chosen(training.epochs) - schedule.warmup_steps)
        rate = keras.optimizers.schedules.CosineDecay(highest, steps, alpha=schedule.final_fraction)
    elif schedule.type == "exponential":
        steps = schedule.decay_steps or _known(steps_per_epoch, schedule)
        rate = keras.optimizers.schedules.ExponentialDecay(highest, steps, schedule.decay_rate)
    return WarmUp(rate, schedule.warmup_steps) if schedule.warmup_steps else rate


@keras.saving.register_keras_serializable("tfx_sequences")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly from 0, then follows another schedule from its start.

    Args:
        after: A schedule, or a constant.
        steps: Number of warm-up steps.
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


def _known(steps_per_epoch: int | None, schedule: Schedule) -> int:
    if steps_per_epoch is None:
        raise UserInputError(
            f"The {schedule.type} schedule needs its length.",
            expected="training.schedule.decay_steps, or the number of steps in an epoch",
            fix="Set decay_steps in the spec, or pass steps_per_epoch to compile_model.",
        )
    return steps_per_epoch
