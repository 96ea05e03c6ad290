"""The fields of a label, which the kinds of labels read."""

from __future__ import annotations

import math
from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared, Sizes, Strings, Terms
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.kinds.forecast_options import Forecast


class LabelFields(Declared):
    """The fields of a label; `Label` adds what depends on its kind.

    >>> LabelFields(key="slot", per_step=True).raw_name
    'sequence.slot'
    """

    key: str = pydantic.Field(min_length=1)
    """The label's key: among the context features, or among the sequence features with `per_step`. For a forecast: a
    context feature with the `horizon` values after the record's last step; or the same as `target`: then the
    last `horizon` steps of a record are forecast in training, and all steps are history in serving."""
    type: str = "classification"
    """One class; any number of classes; probabilities of classes (soft or one-hot targets); numbers; or the next values
    of a sequence feature."""
    per_step: bool = False
    """Whether each step has a label; otherwise, the record has one."""
    shift: pydantic.NonNegativeInt = 0
    """With `per_step`: a step's target is the value this number of steps later. The last `shift` steps
    do not have a target, and have weight 0."""
    dtype: Literal["string", "int64", "float32"] | None = None
    """Dtype of the label in the record. The default is string for classes (int64 if `classes` are numbers), and
    float32 for regression and for vectors of zeros and ones."""
    shape: Sizes = ()
    """Shape of a regression label that is a vector, of a `multi_label` that is stored as a vector of zeros and ones
    (without a shape, it is stored as a list of terms), or of a `distribution`: one number per class."""
    classes: Terms | None = None
    """The classes, in the order of the model's outputs. None: the classes of the training split, the most
    frequent first; for a vector of zeros and ones its positions, `0`, `1` and so on."""
    missing_label: Literal["ignore", "error"] = "ignore"
    """For labels that a step or a record does not have: an empty step, a missing list or feature, or NaN among the
    numbers. `ignore`: their weight is 0 in loss and metrics, and `check` counts them; `error` rejects the records. An
    empty list of classes is not missing: the record or step does not have any of the classes."""
    missing_value: int | float | str | None = None
    """A stored value that means that the label is missing, such as `-1` or `unknown`. The empty string always does,
    unless it is one of `classes`."""
    allowed_copies: Strings = ()
    """Keys of features that may copy the label. Any other copy ends a run, because the network could look up the
    label."""
    unseen: Literal["error", "wrong", "other"] = "error"
    """How to count classes of `valid` and `test` that are not in `train` (or in `classes`). `error`: the check rejects
    them. `wrong`: each is a wrong prediction, with probability 1e-7 in the loss, as in published comparisons. `other`:
    one additional class represents them, which the network can predict."""
    loss_weight: float = pydantic.Field(1.0, gt=0, allow_inf_nan=False)
    """Weight of this head's loss in the sum over all heads."""
    class_weights: Literal["balanced"] | dict[str, pydantic.NonNegativeFloat] | None = None
    """Weight in the loss by class (1 for other classes; for `multi_label`, the weight of positive targets),
    or `balanced`: all classes have the same total weight over the training split."""
    loss: str | None = None
    """The loss that training minimizes, in place of the kind's usual one: `docs/tasks.md` has the names by kind, such
    as `focal` or `huber`. Or the path of a function of your own, `my_package.my_module.my_loss`: it maps targets and
    outputs to the loss of each target, `[B]`, or `[B, T]` for steps. Metrics stay as they are."""
    loss_options: dict[str, float] = {}
    """Parameters of `loss`, such as `{gamma: 2}` of `focal`."""
    measures: Strings = ()
    """Further metrics on the test split: `docs/tasks.md` has the names by kind, such as `macro_f1`, `top_5_accuracy` or
    `root_mean_squared_error`."""
    own_measures: dict[str, str] = {}
    """Further metrics of your own: by name, the path of a function `my_package.my_module.my_error`. It maps targets and
    outputs to one value for each target, `[B]`, or `[B, T]` for steps; the metric is their mean by weight."""
    label_smoothing: float = pydantic.Field(0.0, ge=0, lt=1)
    """Fraction of the target's probability that is spread over all classes."""
    step_weight: str | None = None
    """With `per_step`: sequence feature (a number), the weight of each step in loss and metrics."""
    step_weight_dtype: Literal["float32", "int64"] = "float32"
    """Dtype of the step weights in the record."""
    sampled_softmax: pydantic.PositiveInt | None = None
    """For many classes: number of random classes that represent all others in the training loss."""
    horizon: pydantic.PositiveInt | None = None
    """For a forecast: number of steps."""
    target: str | None = None
    """For a forecast: the sequence feature (a number) whose next values are forecast."""
    known_future: dict[str, str] = {}
    """For a forecast: sequence features (numbers) that are known in advance, such as holidays. For each, the key of a
    context feature with its `horizon` values after the record's last step."""
    mase_scale: str | None = None
    """For a forecast: context feature (a number) by which MASE divides the error. None: the mean absolute difference
    of the record's history, `forecast.seasonality` steps apart."""
    forecast: Forecast | None = None
    """For a forecast: how it is made and trained."""

    @property
    def raw_name(self) -> str:
        """The name of its parsed tensor."""
        return raw_name(self.key, of_steps=self.per_step)

    @property
    def is_vector(self) -> bool:
        """Whether it is stored as a vector of numbers, or of zeros and ones."""
        return bool(self.shape)

    @property
    def size(self) -> int:
        """Number of values in one label."""
        return math.prod(self.shape)
