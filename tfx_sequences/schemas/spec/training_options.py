"""The `training` section of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from tfx_sequences.schemas.columns.auto import AUTO, Auto
from tfx_sequences.schemas.columns.base import Declared

_LESS_IS_BETTER = ("loss", "error", "nll", "mape", "mase", "perplexity")
# The keys of each type of schedule.
_OF_TYPE = {
    "constant": {"warmup_steps"},
    "cosine": {"warmup_steps", "decay_steps", "final_fraction"},
    "exponential": {"warmup_steps", "decay_steps", "decay_rate"},
    "reduce_on_plateau": {"factor", "patience", "min_learning_rate"},
}


def better_direction(figure: str) -> Literal["min", "max"]:
    """Whether lower or higher values of a metric are better, judged by its name.

    >>> better_direction("val_mean_squared_error"), better_direction("val_accuracy")
    ('min', 'max')
    """
    return "min" if any(word in figure.lower() for word in _LESS_IS_BETTER) else "max"


class Schedule(Declared):
    """How the learning rate changes, starting from `learning_rate`."""

    type: Literal["constant", "cosine", "exponential", "reduce_on_plateau"] = "constant"
    """`cosine` falls along half a cosine wave to `final_fraction`; `exponential` is multiplied by `decay_rate` every
    `decay_steps`; `reduce_on_plateau` is multiplied by `factor` after `patience` epochs without an improvement of
    `monitor`."""
    warmup_steps: pydantic.NonNegativeInt = 0
    """Number of steps in which the rate first rises linearly from 0; not for `reduce_on_plateau`."""
    decay_steps: pydantic.PositiveInt | None = None
    """For `cosine` and `exponential`: steps without the warm-up. None means the steps of all epochs for `cosine`, and
    of one epoch for `exponential`."""
    decay_rate: float = pydantic.Field(0.95, gt=0, le=1)
    """For `exponential`."""
    final_fraction: float = pydantic.Field(0.0, ge=0, lt=1)
    """For `cosine`: the final rate, as a fraction of `learning_rate`."""
    factor: float = pydantic.Field(0.5, gt=0, lt=1)
    """For `reduce_on_plateau`."""
    patience: pydantic.PositiveInt = 3
    """For `reduce_on_plateau`: number of epochs."""
    min_learning_rate: float = pydantic.Field(0.0, ge=0)
    """For `reduce_on_plateau`: the lowest rate."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Schedule:
        for name, field in type(self).model_fields.items():
            if name != "type" and name not in _OF_TYPE[self.type] and getattr(self, name) != field.default:
                usable = ", ".join(sorted(_OF_TYPE[self.type]))
                raise ValueError(
                    f"{name} does not apply to a schedule of type '{self.type}', which has the keys {usable}"
                )
        return self


class Backup(Declared):
    """How often the training state is saved, so that an interrupted run can resume."""

    every_steps: pydantic.PositiveInt | None = None
    """Steps between two backups within an epoch. Every epoch also ends with a backup."""
    every_seconds: float | None = pydantic.Field(120.0, gt=0)
    """Seconds between two backups within an epoch. Not used with strategy `multi_worker`, because clocks differ."""
    folder: str | None = None
    """Where the backup is kept; by default below the pipeline's artifacts, one for each spec and data set.
    It is deleted when training has succeeded."""


class Training(Declared):
    """How the network is trained."""

    epochs: pydantic.PositiveInt | Auto = AUTO
    """Maximum number of epochs; early stopping usually ends sooner. `auto`: enough for 20 000 steps, from 15 to 100."""
    steps_per_epoch: pydantic.PositiveInt | None = None
    """Number of steps between two validations; the next epoch continues with the following records. None: an epoch uses
    all records."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: Annotated[float, pydantic.Field(gt=0)] | Auto = AUTO
    """The highest learning rate. `auto`: 0.003; 0.001 if a vocabulary has more than 1 000 terms, because a network
    overfits to rare terms quickly."""
    schedule: Schedule = Schedule()
    weight_decay: float | None = pydantic.Field(None, ge=0)
    """For adamw; None uses Keras' default, 0.004."""
    momentum: float = pydantic.Field(0.0, ge=0, lt=1)
    """For sgd and rmsprop."""
    reduction: Literal["expected_targets", "batch_mean"] = "expected_targets"
    """The divisor of a batch's summed loss in training. `expected_targets`: a constant, the mean total weight of the
    targets of a step over the training split, so that every target has the same weight in any batch.
    `batch_mean`: the number of targets of that batch, as in most training loops; with length buckets this is
    biased towards targets in short records, see [training](training.md#unbiased-steps)."""
    gradient_accumulation_steps: pydantic.PositiveInt | None = pydantic.Field(None, ge=2)
    """Number of batches whose gradients are averaged before the weights change; None updates them after every batch."""
    gradient_clip_norm: Annotated[float, pydantic.Field(gt=0)] | Literal["adaptive"] | None = "adaptive"
    """Bound on the global norm of a step's gradient. `adaptive`: ten times the mean norm of about the last 100 steps,
    so that only outliers are clipped. A number that is often exceeded biases what is learned, see
    [training](training.md#clipping)."""
    gradient_clip_value: float | None = pydantic.Field(None, gt=0)
    """Bound on each element of the gradient, instead of on the norm."""
    ema_momentum: Annotated[float, pydantic.Field(gt=0, lt=1)] | Auto | None = AUTO
    """Validates and keeps the moving average of the weights: the old average times this momentum, plus the new weights
    times the rest. `auto`: an average over the steps of one epoch, from 50 to 500; None keeps the current weights."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Precision of the computation; weights and outputs remain float32. Half precision is faster on GPUs."""
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """`mirrored` trains on all GPUs of the machine (or logical CPUs); `multi_worker` uses one process for each worker
    in the environment variable TF_CONFIG. Each step uses one batch per replica."""
    monitor: str = "val_loss"
    """The metric for the best weights and for early stopping: `val_` and a metric's name."""
    monitor_mode: Literal["auto", "min", "max"] = "auto"
    """Whether lower or higher is better; `auto`: lower for a loss, error, NLL, MAPE or MASE, otherwise higher."""
    early_stopping_patience: pydantic.PositiveInt | None = 8
    """Number of epochs without an improvement of `monitor` before training stops; None trains all epochs. The best
    weights are kept in any case."""
    early_stopping_min_delta: Annotated[float, pydantic.Field(ge=0)] | Auto = AUTO
    """A smaller change does not count as an improvement. `auto`: 0.0001 if `monitor` is a loss in nats, because all
    labels are classes; otherwise 0. Without it, a set that is learned perfectly would train to its last epoch."""
    refit: bool | Auto = AUTO
    """Whether to train once more, on the training records and those held back for validation, for the best number of
    epochs found by validation; the last weights are kept. `auto`: true if validation records are held back from at most
    20 000 training records. A validation split with files of its own is never used for training."""
    folds: pydantic.PositiveInt | Auto = AUTO
    """With `refit`: this number of trainings, each validated with other records, determine the best number of epochs:
    the median of their best epochs. `auto`: 5 if fewer than 100 records are held back, otherwise 1."""
    seed: int = 0
    """Seed for initial weights, dropout and the order of records."""
    deterministic: bool = False
    """Guarantees bit-identical results in every run, even with your own layers and on GPUs: an op that is not
    deterministic is an error. See [training.md](training.md#the-same-bits)."""
    warm_start: str | None = None
    """A pushed model, or the output folder of a run, whose weights initialize the network. Weights are matched by layer
    and name, rows of embedding tables by term, and outputs by class."""
    backup: Backup | None = Backup()
    """None disables backups."""

    @property
    def monitored_direction(self) -> Literal["min", "max"]:
        """Whether lower or higher values of `monitor` are better."""
        return better_direction(self.monitor) if self.monitor_mode == "auto" else self.monitor_mode

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_way_of_clipping(cls, data: Any) -> Any:
        # The default of gradient_clip_norm does not apply if gradient_clip_value is given.
        if isinstance(data, Mapping) and data.get("gradient_clip_value") is not None:
            return {"gradient_clip_norm": None, **data}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Training:
        if self.gradient_clip_norm is not None and self.gradient_clip_value is not None:
            raise ValueError("set gradient_clip_norm or gradient_clip_value, not both")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise ValueError(f"weight_decay is for adamw, but optimizer is '{self.optimizer}'")
        if self.gradient_accumulation_steps is not None and self.strategy != "none":
            raise ValueError(
                f"gradient_accumulation_steps needs strategy 'none', but strategy is '{self.strategy}': "
                "a step with replicas already uses one batch per replica"
            )
        if self.refit is True and self.strategy == "multi_worker":
            raise ValueError("refit needs strategy 'none' or 'mirrored', but strategy is 'multi_worker'")
        if isinstance(self.folds, int) and self.folds > 1 and self.refit is False:
            raise ValueError(
                f"folds is {self.folds}, but refit is false: folds only determine how long the refit trains"
            )
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum is for sgd and rmsprop, but optimizer is '{self.optimizer}'")
        if not self.monitor.startswith("val_"):
            raise ValueError(
                f"monitor is '{self.monitor}', but metrics of the training records say little about new ones: "
                f"use a validation metric, such as 'val_{self.monitor}'"
            )
        return self
