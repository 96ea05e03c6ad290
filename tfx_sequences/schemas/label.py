"""The label: what the model learns to predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pydantic

from tfx_sequences.schemas.base import Declared, Terms


class Label(Declared):
    """What the model learns to predict: a context feature of the record."""

    key: str = pydantic.Field(min_length=1)
    """The label's key among the context features."""
    type: Literal["classification", "regression"] = "classification"
    dtype: Literal["string", "int64", "float32"] | None = None
    """How it is stored; by default string for classification (int64 where `classes`
    are numbers), float32 for regression."""
    classes: Terms | None = None
    """The classes, in the order of the model's outputs. None: those of the training split."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _choose_dtype(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("dtype") is None:
            classes = data.get("classes")
            numbers = isinstance(classes, list | tuple) and bool(classes) and isinstance(classes[0], int)
            regression = data.get("type") == "regression"
            data = {**data, "dtype": "float32" if regression else "int64" if numbers else "string"}
        return data

    @pydantic.model_validator(mode="after")
    def _check(self) -> Label:
        if self.type == "regression":
            if self.classes is not None:
                raise ValueError("a regression label has no classes")
            if self.dtype == "string":
                raise ValueError("a regression label is a number: dtype float32 or int64")
        elif self.dtype == "float32":
            raise ValueError("a classification label is a string or an int64, not float32")
        elif self.classes is not None:
            if len(self.classes) < 2:
                raise ValueError("classification needs at least 2 classes")
            if len(set(self.classes)) < len(self.classes):
                raise ValueError("classes holds a class twice")
            if isinstance(self.classes[0], str) != (self.dtype == "string"):
                raise ValueError(f"classes does not hold values of dtype {self.dtype}")
        return self
