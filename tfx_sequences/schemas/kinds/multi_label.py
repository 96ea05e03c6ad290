"""Labels with any number of classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from tfx_sequences.schemas.kinds.class_kind import ClassKind, with_scores
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, SCORES
from tfx_sequences.schemas.kinds.label_fields import LabelFields


class DeclaredMultiLabel(ClassKind):
    """Any number of classes per record, or per step: a list of terms, or a vector of zeros and ones."""

    name: ClassVar[str] = "multi_label"
    has_several_classes: ClassVar[bool] = True
    fewest_classes: ClassVar[int] = 1

    def check(self, label: LabelFields) -> None:
        super().check(label)
        if label.sampled_softmax is not None:
            raise ValueError("sampled_softmax is for classification, not for multi_label")
        if label.loss == "focal" and label.label_smoothing:
            raise ValueError("label_smoothing cannot be combined with the focal loss")

    def _check_vector(self, label: LabelFields) -> None:
        if label.dtype == "string":
            raise ValueError(
                "a multi_label label with a shape is a vector of zeros and ones: its dtype is float32 or int64"
            )
        if label.classes is not None and len(label.classes) != label.shape[0]:
            raise ValueError(f"classes has {len(label.classes)} names for a vector of length {label.shape[0]}")

    def has_several_terms(self, label: LabelFields) -> bool:
        return not label.is_vector

    def given_classes(self, label: LabelFields) -> tuple[str, ...] | None:
        """The classes in the spec; the positions for a vector without listed classes."""
        if label.classes is None and label.is_vector:
            return tuple(str(i) for i in range(label.shape[0]))
        return super().given_classes(label)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """int64 for indices of classes; float32 for a vector of zeros and ones."""
        return "float32" if label.is_vector else "int64"

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("loss", "accuracy", "auc")

    def losses(self, label: LabelFields) -> Mapping[str, Mapping[str, float]]:
        """The negative log-likelihood of all classes, and the focal loss (Lin and others 2017)."""
        del label
        return {"cross_entropy": {}, "focal": {"gamma": 2.0}}

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        """Precision, recall and F1 count a class as predicted from a probability of one half on."""
        del label
        micro, macro = (
            tuple(f"{kind}_{name}" for name in ("precision", "recall", "f1")) for kind in ("micro", "macro")
        )
        return (*micro, *macro, "pr_auc")

    @property
    def outputs(self) -> tuple[str, ...]:
        """`scores` `[B, C]`, independent for each class, and their `classes` `[B, C]`."""
        return (SCORES, CLASSES)

    def row(self, label: LabelFields, answers: Mapping[str, Any], top_k: int | None = None) -> dict[str, Any]:
        """`predicted_classes` (score at least 0.5) and `scores` by class; lists of both for labels of steps."""
        names = [c.decode() for c in answers[CLASSES]]
        steps = np.asarray(answers[SCORES]).reshape(-1, len(names))
        likely = [[names[c] for c in np.flatnonzero(step >= 0.5)] for step in steps]
        return with_scores({"predicted_classes": likely if label.per_step else likely[0]}, answers, top_k)
