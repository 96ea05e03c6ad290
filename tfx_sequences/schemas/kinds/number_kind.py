"""The base of label kinds with numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tfx_sequences.schemas.kinds.declared_kind import PREDICTIONS, DeclaredKind
from tfx_sequences.schemas.kinds.label_fields import LabelFields


class NumberKind(DeclaredKind):
    """A kind whose targets and predictions are numbers."""

    def completed(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Adds the dtype float32, unless the spec sets one."""
        return {**data, "dtype": "float32"} if data.get("dtype") is None else data

    def check(self, label: LabelFields) -> None:
        super().check(label)
        self.check_numbers(label)

    def check_numbers(self, label: LabelFields) -> None:
        """Checks that no field of the label is for classes."""
        if label.classes is not None:
            raise ValueError(f"a {self.name} label cannot have classes")
        if label.dtype == "string":
            raise ValueError(f"a {self.name} label is a number: its dtype must be float32 or int64")
        if label.class_weights or label.label_smoothing:
            field = "class_weights" if label.class_weights else "label_smoothing"
            raise ValueError(f"{field} is for labels with classes, not for {self.name}")
        if label.sampled_softmax is not None:
            raise ValueError(f"sampled_softmax is for classification, not for {self.name}")

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        del label
        return "float32"

    def fix_of_dtype(self, label: LabelFields, stored: str, name: str, where: str) -> str:
        del label, name
        if stored == "string":
            return f"Write `type: classification` at {where} in the spec, or store a number."
        return f"Write `dtype: {stored}` at {where} in the spec."

    @property
    def outputs(self) -> tuple[str, ...]:
        """`predictions`: `[B]`, or `[B, D]` for vectors; `[B, T]` or `[B, T, D]` for labels of steps."""
        return (PREDICTIONS,)

    def row(self, label: LabelFields, answers: Mapping[str, Any], top_k: int | None = None) -> dict[str, Any]:
        """`prediction`: a number, or a list of them."""
        del label, top_k
        return {"prediction": answers[PREDICTIONS].tolist()}
