"""The contract of what is declared of a kind of label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tfx_sequences.schemas.kinds.label_fields import LabelFields

# The outputs of a served model, after the prefix of the head.
SCORES, CLASSES, PREDICTED_CLASS, PREDICTIONS = "scores", "classes", "predicted_class", "predictions"

Plot = Literal["curves", "confusion"]

_OF_FORECASTS = ("horizon", "target", "known_future", "mase_scale", "forecast")


class DeclaredKind:
    """What is declared of a kind of label. A kind derives from this class, or from `ClassKind` or `NumberKind`.

    The class attributes are facts that Transform, the checks of records and the batches ask for, whatever the kind is.

    Attributes:
        name: What the spec writes as the label's `type`.
        has_classes: Targets are classes: those that the spec lists, or those of the training split.
        has_several_classes: A target may be any number of classes.
        fewest_classes: The number of classes that the training split must have at least.
        from_windows: Rows are windows that are cut out of a series: a history, and the values that follow it.
        needs_spread: Training needs the mean and the standard deviation of the targets of the training split.
    """

    name: ClassVar[str]
    has_classes: ClassVar[bool] = False
    has_several_classes: ClassVar[bool] = False
    fewest_classes: ClassVar[int] = 0
    from_windows: ClassVar[bool] = False
    needs_spread: ClassVar[bool] = False

    @property
    def has_one_class(self) -> bool:
        """A target is one class."""
        return self.has_classes and not self.has_several_classes

    def completed(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields as they are written, with the defaults that depend on the kind or on other fields."""
        return data

    def check(self, label: LabelFields) -> None:
        """Checks what the fields alone say.

        Raises:
            ValueError: The fields do not fit each other.
        """
        for field in _OF_FORECASTS:
            if getattr(label, field):
                raise ValueError(f"{field} is for labels of `type: forecast`")

    def is_cut_out(self, label: LabelFields) -> bool:
        """Records have no feature of the label: it is cut out of the series that the network reads."""
        del label
        return False

    def has_several_terms(self, label: LabelFields) -> bool:
        """It is stored as any number of terms per record or step."""
        del label
        return False

    def given_classes(self, label: LabelFields) -> tuple[str, ...] | None:
        """The classes as strings, if the spec lists them."""
        return None if label.classes is None else tuple(str(c) for c in label.classes)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """What Transform makes of the stored values: indices of classes, -1 for an unknown one, or plain numbers."""
        raise NotImplementedError

    def fix_of_dtype(self, label: LabelFields, stored: str, name: str, where: str) -> str:
        """How to fix a label that is stored in another type.

        Args:
            label: The label.
            stored: How records store it.
            name: The feature, as messages name it.
            where: Where the spec declares the label.
        """
        raise NotImplementedError

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        """The names of its metrics on the test split; see `docs/tasks.md`."""
        raise NotImplementedError

    def main_metric(self, label: LabelFields) -> str:
        """The metric that training shows too, by which splits are compared."""
        return self.metrics(label)[0]

    def tfma_metrics(self, label: LabelFields) -> Mapping[str, str]:
        """Metrics that TFMA computes if no weight is involved: its names by ours. Others come from sums."""
        del label
        return {}

    def plots(self, label: LabelFields) -> tuple[Plot, ...]:
        """What the Evaluator plots."""
        del label
        return ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the served model's outputs. The first one is what TFMA calls the prediction."""
        raise NotImplementedError

    def row(self, label: LabelFields, answers: Mapping[str, Any]) -> dict[str, Any]:
        """What a row of predictions holds.

        Args:
            label: The label.
            answers: The `outputs` of one record, as arrays; of a label of steps only the real steps. `classes` `[C]`.

        Returns:
            Plain values, as JSON has them.
        """
        raise NotImplementedError
