"""How the network is fitted, as a spec declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared

_LESS_IS_BETTER = ("loss", "error", "nll", "mape", "mase", "perplexity")
# Which keys of a schedule mean something for which type.
_OF_TYPE = {
    "constant": {"warmup_steps"},
    "cosine": {"warmup_steps", "decay_steps", "final_fraction"},
    "exponential": {"warmup_steps", "decay_steps", "decay_rate"},
    "reduce_on_plateau": {"factor", "patience", "min_learning_rate"},
}


def better_direction(figure: str) -> Literal["min", "max"]:
    """Whether less or more of a figure is better, by its name.

    >>> better_direction("val_mean_squared_error"), better_direction("val_accuracy")
    ('min', 'max')
    """
    return "min" if any(word in figure.lower() for word in _LESS_IS_BETTER) else "max"


class Schedule(Declared):
    """How the learning rate goes on from `learning_rate`."""

    type: Literal["constant", "cosine", "exponential", "reduce_on_plateau"] = "constant"
    """`cosine` falls in half a wave to `final_fraction`; `exponential` is multiplied by `decay_rate` every
    `decay_steps`; `reduce_on_plateau` by `factor` after `patience` epochs in which `monitor` did not get better."""
    warmup_steps: pydantic.NonNegativeInt = 0
    """Steps in which the rate first rises from 0, in a line; not for `reduce_on_plateau`."""
    decay_steps: pydantic.PositiveInt | None = None
    """Of `cosine` and `exponential`, without those of the warm-up; None takes those of all epochs for `cosine`, of one
    epoch for `exponential`."""
    decay_rate: float = pydantic.Field(0.95, gt=0, le=1)
    """Of `exponential`."""
    final_fraction: float = pydantic.Field(0.0, ge=0, lt=1)
    """Of `cosine`: what is left of the rate at the end."""
    factor: float = pydantic.Field(0.5, gt=0, lt=1)
    """Of `reduce_on_plateau`."""
    patience: pydantic.PositiveInt = 3
    """Of `reduce_on_plateau`: epochs."""
    min_learning_rate: float = pydantic.Field(0.0, ge=0)
    """Of `reduce_on_plateau`: not below that."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Schedule:
        for name, field in type(self).model_fields.items():
            if name != "type" and name not in _OF_TYPE[self.type] and getattr(self, name) != field.default:
                usable = ", ".join(sorted(_OF_TYPE[self.type]))
                raise ValueError(f"{name} means nothing to a schedule of type '{self.type}', which has: {usable}")
        return self


class Backup(Declared):
    """How often the state of training is kept, so that a run that was killed goes on where it was."""

    every_steps: pydantic.PositiveInt | None = None
    """Steps between two backups within an epoch; one is made at each epoch's end in any case."""
    every_seconds: float | None = pydantic.Field(120.0, gt=0)
    """Seconds between two backups within an epoch; not with strategy `multi_worker`, for clocks differ."""
    folder: str | None = None
    """Where the backup is kept; by default below the pipeline's artifacts, one for each spec and data.
    It is deleted when training has succeeded."""


class Training(Declared):
    """How the network is fitted."""

    epochs: pydantic.PositiveInt = 60
    """Epochs at most; early stopping usually ends sooner."""
    steps_per_epoch: pydantic.PositiveInt | None = None
    """Steps until the network is validated; the next epoch goes on in the records where the last one ended. None: all
    records."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: float = pydantic.Field(1e-3, gt=0)
    """The optimizer's, at its highest."""
    schedule: Schedule = Schedule()
    weight_decay: float | None = pydantic.Field(None, ge=0)
    """Of adamw, whose default is Keras' 0.004."""
    momentum: float = pydantic.Field(0.0, ge=0, lt=1)
    """Of sgd and rmsprop."""
    gradient_clip_norm: float | None = pydantic.Field(1.0, gt=0)
    """Global norm to which gradients are clipped."""
    gradient_clip_value: float | None = pydantic.Field(None, gt=0)
    """Each element of a gradient is clipped to that, in place of the norm."""
    ema_momentum: float | None = pydantic.Field(None, gt=0, lt=1)
    """Validates and keeps the moving average of the weights: old average times this, new weights times the rest."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """What is computed in; weights and outputs stay float32. Half precision pays on GPUs."""
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """`mirrored` trains on all GPUs of the machine (or logical CPUs), `multi_worker` in one process for each worker of
    the environment variable TF_CONFIG. A step takes one batch for each."""
    monitor: str = "val_loss"
    """Figure of an epoch by which the best weights are chosen, and training stops early: `val_` and a metric's name."""
    monitor_mode: Literal["auto", "min", "max"] = "auto"
    """Whether less or more of it is better; `auto`: less of a loss, error, NLL, MAPE or MASE, more of anything else."""
    early_stopping_patience: pydantic.PositiveInt | None = 8
    """Epochs without a better monitored figure before training stops; None trains all epochs. The best weights are kept
    in any case."""
    early_stopping_min_delta: float = pydantic.Field(0.0, ge=0)
    """Less than that is no better figure."""
    seed: int = 0
    """Of initial weights, dropout and the order of the records."""
    deterministic: bool = False
    """Promises the same bits in every run, with your own layers and on GPUs too: an op that cannot keep the promise is
    an error. See [training.md](training.md#the-same-bits)."""
    warm_start: str | None = None
    """A pushed model, or the output folder of a run, whose weights the network begins with: matched by layer and name,
    the rows of embedding tables by term, the outputs by class."""
    backup: Backup | None = Backup()
    """None keeps no backup."""

    @property
    def monitored_direction(self) -> Literal["min", "max"]:
        """Whether less or more of `monitor` is better."""
        return better_direction(self.monitor) if self.monitor_mode == "auto" else self.monitor_mode

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_way_of_clipping(cls, data: Any) -> Any:
        # The norm has a default, which whoever gives a value does not mean.
        if isinstance(data, Mapping) and data.get("gradient_clip_value") is not None:
            return {"gradient_clip_norm": None, **data}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Training:
        if self.gradient_clip_norm is not None and self.gradient_clip_value is not None:
            raise ValueError("give gradient_clip_norm or gradient_clip_value, not both")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise ValueError(f"weight_decay is adamw's, but optimizer is '{self.optimizer}'")
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum is of sgd and rmsprop, but optimizer is '{self.optimizer}'")
        if not self.monitor.startswith("val_"):
            raise ValueError(
                f"monitor is '{self.monitor}', but figures of the training records say little: "
                f"use one of the validation, such as 'val_{self.monitor}'"
            )
        return self
