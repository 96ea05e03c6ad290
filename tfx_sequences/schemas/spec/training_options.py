"""How the network is fitted, as a spec declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from tfx_sequences.schemas.columns.auto import AUTO, Auto
from tfx_sequences.schemas.columns.base import Declared

_LESS_IS_BETTER = ("loss", "error", "nll", "mape", "mase", "perplexity")
# Which keys of a schedule apply to which type.
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
    """How the learning rate changes, starting from `learning_rate`."""

    type: Literal["constant", "cosine", "exponential", "reduce_on_plateau"] = "constant"
    """`cosine` falls along half a cosine wave to `final_fraction`; `exponential` is multiplied by `decay_rate` every
    `decay_steps`; `reduce_on_plateau` by `factor` after `patience` epochs in which `monitor` did not improve."""
    warmup_steps: pydantic.NonNegativeInt = 0
    """Steps in which the rate first rises linearly from 0; not for `reduce_on_plateau`."""
    decay_steps: pydantic.PositiveInt | None = None
    """For `cosine` and `exponential`, not counting the warm-up; None means the steps of all epochs for `cosine`, of one
    epoch for `exponential`."""
    decay_rate: float = pydantic.Field(0.95, gt=0, le=1)
    """For `exponential`."""
    final_fraction: float = pydantic.Field(0.0, ge=0, lt=1)
    """For `cosine`: the fraction of the rate that is left at the end."""
    factor: float = pydantic.Field(0.5, gt=0, lt=1)
    """For `reduce_on_plateau`."""
    patience: pydantic.PositiveInt = 3
    """For `reduce_on_plateau`: epochs."""
    min_learning_rate: float = pydantic.Field(0.0, ge=0)
    """For `reduce_on_plateau`: the lowest rate."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Schedule:
        for name, field in type(self).model_fields.items():
            if name != "type" and name not in _OF_TYPE[self.type] and getattr(self, name) != field.default:
                usable = ", ".join(sorted(_OF_TYPE[self.type]))
                raise ValueError(f"{name} does not apply to a schedule of type '{self.type}', which has: {usable}")
        return self


class Backup(Declared):
    """How often the state of training is saved, so that a run that was killed resumes."""

    every_steps: pydantic.PositiveInt | None = None
    """Steps between two backups within an epoch; one is made at each epoch's end in any case."""
    every_seconds: float | None = pydantic.Field(120.0, gt=0)
    """Seconds between two backups within an epoch; not with strategy `multi_worker`, because clocks differ."""
    folder: str | None = None
    """Where the backup is kept; by default below the pipeline's artifacts, one for each spec and data.
    It is deleted when training has succeeded."""


class Training(Declared):
    """How the network is fitted."""

    epochs: pydantic.PositiveInt | Auto = AUTO
    """Epochs at most; early stopping usually ends sooner. `auto`: as many as make 20 000 steps, from 15 to 100."""
    steps_per_epoch: pydantic.PositiveInt | None = None
    """Steps until the network is validated; the next epoch continues with the records after the last one. None: all
    records."""
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    learning_rate: Annotated[float, pydantic.Field(gt=0)] | Auto = AUTO
    """The optimizer's rate, at its highest. `auto`: 0.003; 0.001 where a vocabulary has more than 1 000 terms, because
    rare terms are soon learned by heart."""
    schedule: Schedule = Schedule()
    weight_decay: float | None = pydantic.Field(None, ge=0)
    """For adamw; its default is Keras' 0.004."""
    momentum: float = pydantic.Field(0.0, ge=0, lt=1)
    """For sgd and rmsprop."""
    reduction: Literal["expected_targets", "batch_mean"] = "expected_targets"
    """What a batch's summed loss is divided by in training. `expected_targets`: a constant, the mean weight of the
    targets of a step over the training split, so that every target weighs the same whatever batch it is in.
    `batch_mean`: the number of targets of that batch, as most training loops do; with buckets of lengths this is
    biased towards targets in short records, see [training](training.md#unbiased-steps)."""
    gradient_accumulation_steps: pydantic.PositiveInt | None = pydantic.Field(None, ge=2)
    """Batches whose gradients are averaged before the weights change; None changes them after every batch."""
    gradient_clip_norm: Annotated[float, pydantic.Field(gt=0)] | Literal["adaptive"] | None = "adaptive"
    """Bound of the global norm of a step's gradient. `adaptive`: ten times the mean norm of the last 100 steps or so,
    so that only a step that goes astray is clipped. A number that is often exceeded biases what is learned, see
    [training](training.md#clipping)."""
    gradient_clip_value: float | None = pydantic.Field(None, gt=0)
    """Bound of each element of the gradient, in place of the norm."""
    ema_momentum: Annotated[float, pydantic.Field(gt=0, lt=1)] | Auto | None = AUTO
    """Validates and keeps the moving average of the weights: old average times this, new weights times the rest.
    `auto`: an average over the steps of one epoch, from 50 to 500; None keeps the weights themselves."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Precision of the computation; weights and outputs stay float32. Half precision is faster on GPUs."""
    strategy: Literal["none", "mirrored", "multi_worker"] = "none"
    """`mirrored` trains on all GPUs of the machine (or logical CPUs), `multi_worker` in one process for each worker of
    the environment variable TF_CONFIG. A step uses one batch for each."""
    monitor: str = "val_loss"
    """Figure of an epoch by which the best weights are chosen, and training stops early: `val_` and a metric's name."""
    monitor_mode: Literal["auto", "min", "max"] = "auto"
    """Whether less or more of it is better; `auto`: less for a loss, error, NLL, MAPE or MASE, else more."""
    early_stopping_patience: pydantic.PositiveInt | None = 8
    """Epochs without a better monitored figure before training stops; None trains all epochs. The best weights are kept
    in any case."""
    early_stopping_min_delta: float = pydantic.Field(0.0, ge=0)
    """A smaller change does not count as better."""
    refit: bool | Auto = AUTO
    """Trains once more, on the training records and those held back for validation, for as many epochs as were best by
    the validation; the last weights are kept. `auto`: where validation records are held back from at most 20 000
    training records. A validation split with files of its own is never trained on."""
    folds: pydantic.PositiveInt | Auto = AUTO
    """With `refit`: this number of trainings, each validated with other records, determine how many epochs are best:
    the median of their best epochs. `auto`: 5 where fewer than 100 records are held back, else 1."""
    seed: int = 0
    """Seed of initial weights, dropout and the order of the records."""
    deterministic: bool = False
    """Promises the same bits in every run, with your own layers and on GPUs too: an op that cannot keep the promise is
    an error. See [training.md](training.md#the-same-bits)."""
    warm_start: str | None = None
    """A pushed model, or the output folder of a run, whose weights initialise the network: matched by layer and name,
    the rows of embedding tables by term, the outputs by class."""
    backup: Backup | None = Backup()
    """None: no backup."""

    @property
    def monitored_direction(self) -> Literal["min", "max"]:
        """Whether less or more of `monitor` is better."""
        return better_direction(self.monitor) if self.monitor_mode == "auto" else self.monitor_mode

    @pydantic.model_validator(mode="before")
    @classmethod
    def _one_way_of_clipping(cls, data: Any) -> Any:
        # The norm has a default, which is not meant where a value is given.
        if isinstance(data, Mapping) and data.get("gradient_clip_value") is not None:
            return {"gradient_clip_norm": None, **data}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Training:
        if self.gradient_clip_norm is not None and self.gradient_clip_value is not None:
            raise ValueError("give gradient_clip_norm or gradient_clip_value, not both")
        if self.weight_decay is not None and self.optimizer != "adamw":
            raise ValueError(f"weight_decay is for adamw, but optimizer is '{self.optimizer}'")
        if self.gradient_accumulation_steps is not None and self.strategy != "none":
            raise ValueError(
                f"gradient_accumulation_steps needs strategy 'none', but strategy is '{self.strategy}': "
                "a step with replicas already takes one batch for each of them"
            )
        if self.refit is True and self.strategy == "multi_worker":
            raise ValueError("refit needs strategy 'none' or 'mirrored', but strategy is 'multi_worker'")
        if isinstance(self.folds, int) and self.folds > 1 and self.refit is False:
            raise ValueError(f"folds is {self.folds}, but refit is false: folds only decide for how long it trains")
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise ValueError(f"momentum is for sgd and rmsprop, but optimizer is '{self.optimizer}'")
        if not self.monitor.startswith("val_"):
            raise ValueError(
                f"monitor is '{self.monitor}', but figures of the training records say little: "
                f"use one of the validation, such as 'val_{self.monitor}'"
            )
        return self
