"""The label: what the model learns to predict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.columns.base import Declared, Sizes, Terms
from tfx_sequences.schemas.spec.forecast import Forecast

# Fields that decide how a head is trained, but not what Transform writes.
TRAINING_FIELDS = ("loss_weight", "class_weights", "label_smoothing", "sampled_softmax", "forecast")
_OF_FORECASTS = ("horizon", "target", "known_future", "mase_scale", "forecast")
_OF_OTHERS = ("per_step", "classes", "class_weights", "label_smoothing", "sampled_softmax")


class Label(Declared):
    """What one head of the model learns to predict: of the record, or of each step.

    >>> Label(key="slot", per_step=True).dtype
    'string'
    """

    key: str = pydantic.Field(min_length=1)
    """The label's key: among the context features, or among the sequence features with `per_step`. Of a forecast: a
    context feature with the `horizon` values that follow the record's last step; or the same as `target`: then the
    last `horizon` steps of a record are what is forecast, but of a record that is served all are history."""
    type: Literal["classification", "multi_label", "regression", "forecast"] = "classification"
    """One class; any number of classes; numbers; or the next values of a sequence feature."""
    per_step: bool = False
    """Each step has a label of its own; else the record has one."""
    shift: pydantic.NonNegativeInt = 0
    """With `per_step`: a step's target is the value so many steps later. The last `shift` steps
    have none, and weigh nothing."""
    dtype: Literal["string", "int64", "float32"] | None = None
    """How it is stored; by default string for classes (int64 where `classes` are numbers),
    float32 for regression and for vectors of 0 and 1."""
    shape: Sizes = ()
    """Of a regression label that is a vector; of a `multi_label` that is stored as a vector of 0 and 1
    (without it, as a list of terms)."""
    classes: Terms | None = None
    """The classes, in the order of the model's outputs. None: those of the training split, the most
    frequent first; for a vector of 0 and 1 its positions, `0`, `1` and so on."""
    loss_weight: float = pydantic.Field(1.0, gt=0, allow_inf_nan=False)
    """Of the loss of this head among those of all heads."""
    class_weights: Literal["balanced"] | dict[str, pydantic.NonNegativeFloat] | None = None
    """Weight in the loss by class (1 for those not named; with `multi_label`, of the class being there),
    or `balanced`: all classes weigh the same over the training split."""
    label_smoothing: float = pydantic.Field(0.0, ge=0, lt=1)
    """Share of the target's probability that is spread over all classes."""
    step_weight: str | None = None
    """With `per_step`: sequence feature (a number) that weighs each step in loss and metrics."""
    sampled_softmax: pydantic.PositiveInt | None = None
    """For many classes: so many classes, drawn at random, stand for all others in the loss of training."""
    horizon: pydantic.PositiveInt | None = None
    """Of a forecast: how many steps."""
    target: str | None = None
    """Of a forecast: the sequence feature (a number) whose next values they are."""
    known_future: dict[str, str] = {}
    """Of a forecast: sequence features (numbers) that are known beforehand, such as holidays; of each the key of a
    context feature that holds its `horizon` values behind the record's last step."""
    mase_scale: str | None = None
    """Of a forecast: context feature (a number) that MASE divides the error by. None: the mean absolute difference
    of the record's history, `forecast.seasonality` steps apart."""
    forecast: Forecast | None = None
    """Of a forecast: how it is made and learned."""

    @pydantic.field_validator("class_weights", mode="before")
    @classmethod
    def _name_classes(cls, weights: Any) -> Any:
        return {str(c): w for c, w in weights.items()} if isinstance(weights, Mapping) else weights

    @pydantic.model_validator(mode="before")
    @classmethod
    def _choose_dtype(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("dtype") is None:
            classes = data.get("classes")
            numbers = isinstance(classes, list | tuple) and bool(classes) and isinstance(classes[0], int)
            as_numbers = data.get("type") in ("regression", "forecast") or bool(data.get("shape"))
            data = {**data, "dtype": "float32" if as_numbers else "int64" if numbers else "string"}
        if isinstance(data, Mapping) and data.get("type") == "forecast":
            horizon = data.get("horizon")
            shape = data.get("shape") or ((horizon,) if isinstance(horizon, int) and horizon > 0 else ())
            data = {**data, "shape": shape, "forecast": data.get("forecast") or Forecast()}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Label:
        if len(self.shape) > 1:
            raise ValueError("the shape of a label is [number of values]")
        if self.type == "forecast":
            self._check_forecast()
        for field in _OF_FORECASTS if self.type != "forecast" else ():
            if getattr(self, field):
                raise ValueError(f"{field} is for labels of `type: forecast`")
        if not self.has_classes:
            if self.classes is not None:
                raise ValueError(f"a {self.type} label has no classes")
            if self.dtype == "string":
                raise ValueError(f"a {self.type} label is a number: dtype float32 or int64")
        elif self.is_vector:
            self._check_vector()
        elif self.dtype == "float32":
            hint = "; a vector of 0 and 1 needs `shape`" if self.type == "multi_label" else ""
            raise ValueError(f"a {self.type} label is a string or an int64, not float32{hint}")
        if self.classes is not None:
            self._check_classes(self.classes)
        self._check_use()
        return self

    def _check_forecast(self) -> None:
        for field in ("horizon", "target"):
            if getattr(self, field) is None:
                example = "13" if field == "horizon" else "value"
                raise ValueError(f"a forecast needs a {field}, such as `{field}: {example}`")
        if self.shape != (self.horizon,):
            raise ValueError(f"the shape of a forecast is its horizon, {self.horizon}: leave shape out")
        for field in _OF_OTHERS:
            if getattr(self, field):
                raise ValueError(f"{field} means nothing to a forecast: leave it out")
        if self.target in self.known_future:
            raise ValueError(f"known_future: '{self.target}' is what is to be forecast")

    def _check_vector(self) -> None:
        if self.type != "multi_label":
            raise ValueError("shape is for regression and multi_label; a classification label is one class")
        if self.dtype == "string":
            raise ValueError("a multi_label of a shape is a vector of 0 and 1: dtype float32 or int64")
        if self.classes is not None and len(self.classes) != self.shape[0]:
            raise ValueError(f"classes names {len(self.classes)} positions of a vector of {self.shape[0]}")

    def _check_classes(self, classes: tuple[str, ...] | tuple[int, ...]) -> None:
        if self.type == "classification" and len(classes) < 2:
            raise ValueError("classification needs at least 2 classes")
        if not classes:
            raise ValueError("classes is empty")
        if len(set(classes)) < len(classes):
            raise ValueError("classes holds a class twice")
        if not self.is_vector and isinstance(classes[0], str) != (self.dtype == "string"):
            raise ValueError(f"classes does not hold values of dtype {self.dtype}")

    def _check_use(self) -> None:
        for field in ("shift", "step_weight"):
            if getattr(self, field) and not self.per_step:
                raise ValueError(f"{field} is for labels of steps: set `per_step: true`, or leave it out")
        if not self.has_classes and (self.class_weights or self.label_smoothing):
            field = "class_weights" if self.class_weights else "label_smoothing"
            raise ValueError(f"{field} is for labels of classes, not for regression")
        if self.sampled_softmax is not None:
            if self.type != "classification":
                raise ValueError(f"sampled_softmax is for classification, not for {self.type}")
            if self.label_smoothing or self.class_weights:
                raise ValueError("sampled_softmax goes with neither label_smoothing nor class_weights")
        named = self.given_classes
        if isinstance(self.class_weights, dict) and named is not None:
            for name in self.class_weights:
                if name not in named:
                    raise ValueError(f"class_weights: '{name}' is no class.{did_you_mean(name, named)}")

    @property
    def has_classes(self) -> bool:
        """It is of classes, not of numbers."""
        return self.type not in ("regression", "forecast")

    @property
    def is_cut_out(self) -> bool:
        """It is a forecast of the last steps of the series itself, not one of a feature of its own."""
        return self.type == "forecast" and self.key == self.target

    @property
    def is_vector(self) -> bool:
        """It is stored as a vector: of numbers, or of 0 and 1."""
        return bool(self.shape)

    @property
    def has_several_terms(self) -> bool:
        """It is stored as any number of terms per record or step."""
        return self.type == "multi_label" and not self.shape

    @property
    def size(self) -> int:
        """Numbers of one label."""
        return math.prod(self.shape)

    @property
    def given_classes(self) -> tuple[str, ...] | None:
        """The classes as strings, as far as the spec tells them.

        >>> Label(key="keys", type="multi_label", shape=(3,)).given_classes
        ('0', '1', '2')
        """
        if self.classes is not None:
            return tuple(str(c) for c in self.classes)
        if self.type == "multi_label" and self.is_vector:
            return tuple(str(i) for i in range(self.shape[0]))
        return None

    @property
    def metrics(self) -> tuple[str, ...]:
        """What it is measured by on the test split; see `docs/tasks.md`."""
        if self.type == "forecast":
            return ("smape", "mase", "mean_absolute_error")
        if self.type == "regression":
            return ("mean_squared_error", "mean_absolute_error")
        if self.type == "multi_label":
            return ("loss", "accuracy", "auc")
        # With so many classes that a sample of them stands for all, a curve over all would cost more than the network.
        auc = () if self.sampled_softmax else ("auc",)
        if self.per_step:
            return ("accuracy", "loss", *auc, "span_f1", "span_precision", "span_recall")
        return ("accuracy", "loss", *auc)
