"""Labels that are a distribution over classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from tfx_sequences.schemas.kinds.classification import DeclaredClassification
from tfx_sequences.schemas.kinds.declared_kind import Plot
from tfx_sequences.schemas.kinds.label_fields import LabelFields

# Tolerance for the sum of a vector's probabilities, which are rounded when they are stored.
SUM_TOLERANCE = 1e-3


class DeclaredDistribution(DeclaredClassification):
    """A vector of probabilities per record or per step: soft targets, or the one-hot vector of a class."""

    name: ClassVar[str] = "distribution"

    @property
    def has_one_class(self) -> bool:
        """False, because several classes may have a probability."""
        return False

    def check(self, label: LabelFields) -> None:
        if len(label.shape) != 1:
            raise ValueError("a distribution label needs `shape: [number of classes]`, the length of its vectors")
        super().check(label)
        for field in ("class_weights", "sampled_softmax"):
            if getattr(label, field) is not None:
                raise ValueError(f"{field} is for labels with a single class, not for a distribution")

    def _check_vector(self, label: LabelFields) -> None:
        if label.dtype == "string":
            raise ValueError("a distribution label is a vector of numbers: its dtype must be float32 or int64")
        if label.classes is not None and len(label.classes) != label.shape[0]:
            raise ValueError(f"classes has {len(label.classes)} names for a vector of length {label.shape[0]}")

    def given_classes(self, label: LabelFields) -> tuple[str, ...] | None:
        """The classes in the spec; without them, the positions of the vector."""
        if label.classes is None:
            return tuple(str(i) for i in range(label.shape[0]))
        return super().given_classes(label)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """The vector is unchanged."""
        del label
        return "float32"

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("loss", "accuracy")

    def losses(self, label: LabelFields) -> Mapping[str, Mapping[str, float]]:
        del label
        return {"cross_entropy": {}}

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        del label
        return ("perplexity",)

    def tfma_metrics(self, label: LabelFields) -> Mapping[str, str]:
        del label
        return {}

    def plots(self, label: LabelFields) -> tuple[Plot, ...]:
        del label
        return ()
