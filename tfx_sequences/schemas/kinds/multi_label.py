"""Labels that are any number of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tfx_sequences.schemas.kinds.class_kind import ClassKind, by_class
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, SCORES
from tfx_sequences.schemas.kinds.label_fields import LabelFields


class DeclaredMultiLabel(ClassKind):
    """Any number of classes of each record, or of each step: a list of terms, or a vector of 0 and 1."""

    name: ClassVar[str] = "multi_label"
    has_several_classes: ClassVar[bool] = True
    fewest_classes: ClassVar[int] = 1

    def check(self, label: LabelFields) -> None:
        super().check(label)
        if label.sampled_softmax is not None:
            raise ValueError("sampled_softmax is for classification, not for multi_label")

    def _check_vector(self, label: LabelFields) -> None:
        if label.dtype == "string":
            raise ValueError("a multi_label of a shape is a vector of 0 and 1: dtype float32 or int64")
        if label.classes is not None and len(label.classes) != label.shape[0]:
            raise ValueError(f"classes names {len(label.classes)} positions of a vector of {label.shape[0]}")

    def has_several_terms(self, label: LabelFields) -> bool:
        return not label.is_vector

    def given_classes(self, label: LabelFields) -> tuple[str, ...] | None:
        """Those that the spec lists; of a vector without such a list, its positions."""
        if label.classes is None and label.is_vector:
            return tuple(str(i) for i in range(label.shape[0]))
        return super().given_classes(label)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """Indices of classes; or the vector of 0 and 1 as it is."""
        return "float32" if label.is_vector else "int64"

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("loss", "accuracy", "auc")

    @property
    def outputs(self) -> tuple[str, ...]:
        """`scores` `[B, C]`, each class by itself, and their `classes` `[B, C]`."""
        return (SCORES, CLASSES)

    def row(self, label: LabelFields, answers: Mapping[str, Any]) -> dict[str, Any]:
        """`predicted_classes`, with a score of at least one half, and `scores` by class; of steps lists of both."""
        scores = answers[SCORES].tolist()
        found = [by_class(answers, each) for each in (scores if label.per_step else [scores])]
        likely = [[name for name, score in each.items() if score >= 0.5] for each in found]
        return {
            "predicted_classes": likely if label.per_step else likely[0],
            SCORES: found if label.per_step else found[0],
        }
