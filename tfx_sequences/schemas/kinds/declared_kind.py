"""The base class of the declared part of a kind of label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tfx_sequences.schemas.kinds.label_fields import LabelFields

# The outputs of a served model, after the prefix of the head.
SCORES, CLASSES, PREDICTED_CLASS, PREDICTIONS = "scores", "classes", "predicted_class", "predictions"

Plot = Literal["curves", "confusion"]

_OF_FORECASTS = ("horizon", "target", "known_future", "mase_scale", "forecast")


class DeclaredKind:
    """The declared part of a kind of label. A kind derives from this class, or from `ClassKind` or `NumberKind`.

    Transform, the data check and the batches use the class attributes, without knowing the kind.

    Attributes:
        name: The label's `type` in the spec.
        has_classes: Whether targets are classes, either listed in the spec or found in the training split.
        has_several_classes: Whether a target may have any number of classes.
        fewest_classes: Minimum number of classes in the training split.
        from_windows: Whether rows are windows of a series: a history, and the values that follow it.
        needs_spread: Whether training needs the mean and the standard deviation of the training targets.
    """

    name: ClassVar[str]
    has_classes: ClassVar[bool] = False
    has_several_classes: ClassVar[bool] = False
    fewest_classes: ClassVar[int] = 0
    from_windows: ClassVar[bool] = False
    needs_spread: ClassVar[bool] = False

    @property
    def has_one_class(self) -> bool:
        """Whether a target is a single class."""
        return self.has_classes and not self.has_several_classes

    def completed(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The given fields, with the defaults that depend on the kind or on other fields."""
        return data

    def check(self, label: LabelFields) -> None:
        """Checks that the fields fit each other.

        Raises:
            ValueError: The fields do not fit each other.
        """
        if label.unseen != "error" and not self.has_classes:
            raise ValueError("unseen is for labels that are classes")
        for field in _OF_FORECASTS:
            if getattr(label, field):
                raise ValueError(f"{field} is for labels of `type: forecast`")

    def is_cut_out(self, label: LabelFields) -> bool:
        """Whether records do not store the label, because it is a part of the series that the network reads."""
        del label
        return False

    def has_several_terms(self, label: LabelFields) -> bool:
        """Whether the label is stored as any number of terms per record or step."""
        del label
        return False

    def given_classes(self, label: LabelFields) -> tuple[str, ...] | None:
        """The classes as strings, if the spec lists them."""
        return None if label.classes is None else tuple(str(c) for c in label.classes)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """The dtype of the transformed values: indices of classes (-1 for an unknown class), or plain numbers."""
        raise NotImplementedError

    def fix_of_dtype(self, label: LabelFields, stored: str, name: str, where: str) -> str:
        """How to fix a label that is stored with another dtype.

        Args:
            label: The label.
            stored: The dtype in the records.
            name: The feature's name in messages.
            where: The label's place in the spec.
        """
        raise NotImplementedError

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        """Names of its metrics on the test split; see `docs/tasks.md`."""
        raise NotImplementedError

    def losses(self, label: LabelFields) -> Mapping[str, Mapping[str, float]]:
        """Names of the losses that a label can choose, the usual one first, each with its parameters and defaults."""
        del label
        return {}

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        """Names of further metrics that a label can ask for; `K` stands for a number from 1 on."""
        del label
        return ()

    def main_metric(self, label: LabelFields) -> str:
        """The metric that training also shows, for comparisons between splits."""
        return self.metrics(label)[0]

    def tfma_metrics(self, label: LabelFields) -> Mapping[str, str]:
        """Metrics that TFMA computes if there are no weights: TFMA's names by our names. Others come from sums."""
        del label
        return {}

    def plots(self, label: LabelFields) -> tuple[Plot, ...]:
        """The Evaluator's plots."""
        del label
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the served model's outputs. The first one is the prediction in TFMA."""
        raise NotImplementedError

    def row(self, label: LabelFields, answers: Mapping[str, Any], top_k: int | None = None) -> dict[str, Any]:
        """The fields of one row of predictions.

        Args:
            label: The label.
            answers: The `outputs` of one record, as arrays; only real steps for a label of steps. `classes` is `[C]`.
            top_k: The number of classes with the highest scores to keep; 0 for none, None for all.

        Returns:
            Plain values for JSON.
        """
        raise NotImplementedError
