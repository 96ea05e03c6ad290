"""The base of label kinds with classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, SCORES, DeclaredKind, Plot
from tfx_sequences.schemas.kinds.label_fields import LabelFields


class ClassKind(DeclaredKind):
    """A kind whose targets are classes, and whose predictions are scores of classes."""

    has_classes: ClassVar[bool] = True

    def completed(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Adds the dtype: float32 for vectors, int64 for numeric classes, otherwise string."""
        if data.get("dtype") is not None:
            return data
        classes = data.get("classes")
        numbers = isinstance(classes, list | tuple) and bool(classes) and isinstance(classes[0], int)
        return {**data, "dtype": "float32" if data.get("shape") else "int64" if numbers else "string"}

    def check(self, label: LabelFields) -> None:
        super().check(label)
        if label.is_vector:
            self._check_vector(label)
        elif label.dtype == "float32":
            hint = "; a vector of zeros and ones needs `shape`" if self.has_several_classes else ""
            raise ValueError(f"a {self.name} label must be a string or an int64, not float32{hint}")
        if label.classes is not None:
            self._check_classes(label, label.classes)
        if label.unseen != "error":
            self._check_unseen(label)
        named = self.given_classes(label)
        if isinstance(label.class_weights, dict) and named is not None:
            for name in label.class_weights:
                if name not in named:
                    raise ValueError(f"class_weights: '{name}' is not a class.{did_you_mean(name, named)}")

    def _check_unseen(self, label: LabelFields) -> None:
        if label.is_vector:
            raise ValueError("unseen is for classes that are terms; a vector of 0 and 1 has all its classes")
        if label.sampled_softmax is not None:
            raise ValueError("unseen cannot be combined with sampled_softmax")
        if self.has_several_classes and label.unseen == "wrong":
            raise ValueError("a multi_label label takes `unseen: other`: no single answer is wrong")

    def _check_vector(self, label: LabelFields) -> None:
        del label
        raise ValueError(f"shape is for regression and multi_label; a {self.name} label is a single class")

    def _check_classes(self, label: LabelFields, classes: tuple[str, ...] | tuple[int, ...]) -> None:
        if not classes:
            raise ValueError("classes is empty")
        if len(set(classes)) < len(classes):
            raise ValueError("classes contains a class twice")
        if not label.is_vector and isinstance(classes[0], str) != (label.dtype == "string"):
            raise ValueError(f"classes must contain values of dtype {label.dtype}")

    def fix_of_dtype(self, label: LabelFields, stored: str, name: str, where: str) -> str:
        del name
        if stored == "float32":
            return f"Write `type: regression` at {where} in the spec, or store the class as int64 or bytes."
        if stored == "string" and label.is_vector:
            return f"Write `type: classification` at {where} in the spec, or store a number."
        classes = " and `classes` as numbers" if stored == "int64" else " and `classes` as strings"
        listed = label.classes is not None and not label.is_vector
        return f"Write `dtype: {stored}`{classes if listed else ''} at {where} in the spec."

    def plots(self, label: LabelFields) -> tuple[Plot, ...]:
        """Curves of scores; none for sampled softmax, because they are too expensive for that many classes."""
        return () if label.sampled_softmax else ("curves",)


def scores_by_class(answers: Mapping[str, Any], top_k: int | None = None) -> Any:
    """The scores of a record by class name; of the steps of a record a list of these.

    Args:
        answers: `scores` `[C]`, or `[T, C]` for steps, and `classes` `[C]`.
        top_k: The number of highest scores to keep, the highest first, of equal ones the first class; None keeps all,
            in the order of the classes.

    >>> import numpy as np
    >>> answers = {"classes": [b"a", b"b", b"c"], "scores": np.array([0.25, 0.5, 0.25])}
    >>> scores_by_class(answers, 2)
    {'b': 0.5, 'a': 0.25}
    """
    scores = np.asarray(answers[SCORES])
    names = [c.decode() for c in answers[CLASSES]]
    if top_k is None:
        of_rows = [dict(zip(names, row, strict=True)) for row in scores.reshape(-1, len(names)).tolist()]
    else:
        rows = scores.reshape(-1, len(names))
        best = np.argsort(-rows, axis=-1, kind="stable")[:, :top_k]
        kept = np.take_along_axis(rows, best, axis=-1).tolist()
        of_rows = [
            {names[c]: score for c, score in zip(classes, its, strict=True)}
            for classes, its in zip(best.tolist(), kept, strict=True)
        ]
    return of_rows if scores.ndim > 1 else of_rows[0]


def with_scores(row: dict[str, Any], answers: Mapping[str, Any], top_k: int | None) -> dict[str, Any]:
    """A row of predictions with its `scores` by class; without them if `top_k` is 0."""
    return row if top_k == 0 else {**row, SCORES: scores_by_class(answers, top_k)}
