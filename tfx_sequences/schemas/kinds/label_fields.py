"""The fields of a label, which the kinds of labels read."""

from __future__ import annotations

import math
from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Sizes, Strings, Terms
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.kinds.forecast_options import Forecast


class LabelFields(Declared):
    """What a label declares; `Label` adds what its kind says about it.

    >>> LabelFields(key="slot", per_step=True).raw_name
    'sequence.slot'
    """

    key: str = pydantic.Field(min_length=1)
    """The label's key: among the context features, or among the sequence features with `per_step`. For a forecast: a
    context feature with the `horizon` values that follow the record's last step; or the same as `target`: then the
    last `horizon` steps of a record are forecast in training, and all steps are history in serving."""
    type: str = "classification"
    """One class; any number of classes; probabilities of classes (soft or one-hot targets); numbers; or the next values
    of a sequence feature."""
    per_step: bool = False
    """Each step has a label of its own; else the record has one."""
    shift: pydantic.NonNegativeInt = 0
    """With `per_step`: a step's target is the value this number of steps later. The last `shift` steps
    do not have a target, and have weight 0."""
    dtype: Literal["string", "int64", "float32"] | None = None
    """How the label is stored; by default string for classes (int64 where `classes` are numbers),
    float32 for regression and for vectors of 0 and 1."""
    shape: Sizes = ()
    """Shape of a regression label that is a vector, of a `multi_label` that is stored as a vector of 0 and 1
    (without a shape, it is stored as a list of terms), or of a `distribution`: one number for each class."""
    classes: Terms | None = None
    """The classes, in the order of the model's outputs. None: those of the training split, the most
    frequent first; for a vector of 0 and 1 its positions, `0`, `1` and so on."""
    missing_label: Literal["ignore", "error"] = "ignore"
    """A label that a step or a record does not have: an empty step, a list or feature that the record lacks, or NaN
    among its numbers. `ignore`: it weighs nothing in loss and figures, and `check` counts it; `error` refuses the
    records. A list of classes that is empty is not missing: the record or step has none of the classes."""
    allowed_copies: Strings = ()
    """Keys of features that may be a copy of the label. Any other feature that is one ends a run: the network would see
    the answer."""
    unseen: Literal["error", "wrong", "other"] = "error"
    """What classes of `valid` and `test` that `train` (or `classes`) does not have count as. `error`: the check refuses
    them. `wrong`: each is a wrong answer, with the probability 1e-7 in the loss, as published comparisons count it.
    `other`: one more class stands for them, which the network can answer."""
    loss_weight: float = pydantic.Field(1.0, gt=0, allow_inf_nan=False)
    """Weight of this head's loss among those of all heads."""
    class_weights: Literal["balanced"] | dict[str, pydantic.NonNegativeFloat] | None = None
    """Weight in the loss by class (1 for classes not named; with `multi_label`, of its positive targets),
    or `balanced`: all classes weigh the same over the training split."""
    label_smoothing: float = pydantic.Field(0.0, ge=0, lt=1)
    """Share of the target's probability that is spread over all classes."""
    step_weight: str | None = None
    """With `per_step`: sequence feature (a number) that weighs each step in loss and metrics."""
    step_weight_dtype: Literal["float32", "int64"] = "float32"
    """How the record stores the weights of its steps."""
    sampled_softmax: pydantic.PositiveInt | None = None
    """For many classes: this number of classes, drawn at random, represents all others in the training loss."""
    horizon: pydantic.PositiveInt | None = None
    """For a forecast: how many steps."""
    target: str | None = None
    """For a forecast: the sequence feature (a number) whose next values are forecast."""
    known_future: dict[str, str] = {}
    """For a forecast: sequence features (numbers) that are known in advance, such as holidays; for each, the key of a
    context feature that holds its `horizon` values after the record's last step."""
    mase_scale: str | None = None
    """For a forecast: context feature (a number) that MASE divides the error by. None: the mean absolute difference
    of the record's history, `forecast.seasonality` steps apart."""
    forecast: Forecast | None = None
    """For a forecast: how it is made and learned."""

    @property
    def raw_name(self) -> str:
        """The name of its parsed tensor."""
        return raw_name(self.key, of_steps=self.per_step)

    @property
    def is_vector(self) -> bool:
        """It is stored as a vector of numbers, or of 0 and 1."""
        return bool(self.shape)

    @property
    def size(self) -> int:
        """Numbers of one label."""
        return math.prod(self.shape)
