"""The label: what the model learns to predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic_core import PydanticKnownError

from tfx_sequences.schemas.kinds.declared_kind import DeclaredKind
from tfx_sequences.schemas.kinds.label_fields import LabelFields
from tfx_sequences.schemas.kinds.losses_and_measures import check_loss, check_measures
from tfx_sequences.schemas.kinds.registry import declared_kind, kind_named, kind_names

# Fields that determine how a head is trained, but not the output of Transform.
TRAINING_FIELDS = (
    "allowed_copies",
    "loss_weight",
    "class_weights",
    "label_smoothing",
    "sampled_softmax",
    "forecast",
    "loss",
    "loss_options",
    "measures",
    "own_measures",
)


def _known(name: Any) -> Any:
    if declared_kind(name) is None:
        *first, last = (f"'{known}'" for known in kind_names())
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(first)} or {last}"})
    return name


KindName = Annotated[
    str, pydantic.BeforeValidator(_known), pydantic.WithJsonSchema({"enum": [*kind_names()], "type": "string"})
]


class Label(LabelFields):
    """The label that one head of the model learns to predict, per record or per step.

    >>> Label(key="slot", per_step=True).dtype
    'string'
    """

    type: KindName = "classification"
    """One class; any number of classes; numbers; or the next values of a sequence feature."""

    @pydantic.field_validator("class_weights", mode="before")
    @classmethod
    def _name_classes(cls, weights: Any) -> Any:
        return {str(c): w for c, w in weights.items()} if isinstance(weights, Mapping) else weights

    @pydantic.model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        kind = declared_kind(data.get("type", "classification")) if isinstance(data, Mapping) else None
        return kind.completed(data) if kind else data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Label:
        if len(self.shape) > 1:
            raise ValueError("the shape of a label is [number of values]")
        self.kind.check(self)
        check_loss(self, self.kind.losses(self))
        check_measures(self, self.kind.metrics(self), self.kind.further_measures(self))
        self._check_missing_value()
        for field in ("shift", "step_weight"):
            if getattr(self, field) and not self.per_step:
                raise ValueError(f"{field} is for labels of steps: set `per_step: true`, or leave it out")
        return self

    def _check_missing_value(self) -> None:
        value = self.missing_value
        if value is None:
            return
        if not self.may_be_missing or self.has_several_terms:
            raise ValueError(
                "missing_value is for single labels that may be missing: not for lists of classes, and "
                "not with `missing_label: error`"
            )
        fits = {"string": isinstance(value, str), "int64": isinstance(value, int)}
        if not fits.get(str(self.dtype), not isinstance(value, str)):
            raise ValueError(f"missing_value must be a value of dtype {self.dtype}")
        if value in (self.classes or ()):
            raise ValueError(f"missing_value {value!r} is one of the classes")

    @property
    def stored_as_missing(self) -> tuple[int | float | str, ...]:
        """Stored values that mean that the label is missing, besides NaN.

        >>> Label(key="y").stored_as_missing, Label(key="y", dtype="int64", missing_value=-1).stored_as_missing
        (('',), (-1,))
        """
        if not self.may_be_missing or self.has_several_terms:
            return ()
        empty = ("",) if self.dtype == "string" and "" not in (self.classes or ()) else ()
        return empty if self.missing_value is None else (*empty, self.missing_value)

    @property
    def kind(self) -> DeclaredKind:
        """The declared part of its kind."""
        return kind_named(self.type)

    @property
    def has_classes(self) -> bool:
        """Whether its values are classes, not numbers."""
        return self.kind.has_classes

    @property
    def is_cut_out(self) -> bool:
        """Whether it is a part of the series that the network reads, and not a separate feature."""
        return self.kind.is_cut_out(self)

    @property
    def has_several_terms(self) -> bool:
        """Whether it is stored as any number of terms per record or step."""
        return self.kind.has_several_terms(self)

    @property
    def may_be_missing(self) -> bool:
        """Whether records or steps without the label are allowed; their weight is 0.

        >>> Label(key="y").may_be_missing, Label(key="y", type="multi_label").may_be_missing
        (True, False)
        """
        if self.missing_label == "error" or self.kind.from_windows:
            return False
        # An empty string represents a missing class of a record, unless it is a class itself.
        return self.per_step or not (self.has_several_terms or "" in (self.classes or ()))

    @property
    def target_dtype(self) -> str:
        """The dtype of the transformed label: int64 for indices of classes, or float32 for numbers."""
        return self.kind.target_dtype(self)

    @property
    def given_classes(self) -> tuple[str, ...] | None:
        """The classes as strings, if the spec determines them.

        >>> Label(key="keys", type="multi_label", shape=(3,)).given_classes
        ('0', '1', '2')
        """
        return self.kind.given_classes(self)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics on the test split; see `docs/tasks.md`."""
        return (*self.kind.metrics(self), *self.measures, *self.own_measures)
