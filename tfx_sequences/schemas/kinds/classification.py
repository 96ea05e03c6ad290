"""Labels that are a single class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from tfx_sequences.schemas.kinds.class_kind import ClassKind, with_scores
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, PREDICTED_CLASS, SCORES, Plot
from tfx_sequences.schemas.kinds.label_fields import LabelFields


class DeclaredClassification(ClassKind):
    """One class per record, or per step."""

    name: ClassVar[str] = "classification"
    fewest_classes: ClassVar[int] = 2

    def check(self, label: LabelFields) -> None:
        super().check(label)
        if label.sampled_softmax is not None and (label.label_smoothing or label.class_weights):
            raise ValueError("sampled_softmax cannot be combined with label_smoothing or class_weights")
        if label.loss == "focal" and (label.sampled_softmax or label.label_smoothing):
            raise ValueError("the focal loss cannot be combined with sampled_softmax or label_smoothing")

    def _check_classes(self, label: LabelFields, classes: tuple[str, ...] | tuple[int, ...]) -> None:
        if len(classes) < self.fewest_classes:
            raise ValueError("classification needs at least 2 classes")
        super()._check_classes(label, classes)

    def target_dtype(self, label: LabelFields) -> Literal["int64", "float32"]:
        """Index of the class."""
        del label
        return "int64"

    def metrics(self, label: LabelFields) -> tuple[str, ...]:
        # If there are too many classes to train on all of them, a curve over all would cost more than the network.
        auc = () if label.sampled_softmax else ("auc",)
        spans = ("span_f1", "span_precision", "span_recall") if label.per_step else ()
        return ("accuracy", "loss", *auc, *spans)

    def losses(self, label: LabelFields) -> Mapping[str, Mapping[str, float]]:
        """The negative log-likelihood, and the focal loss (Lin and others 2017)."""
        del label
        return {"cross_entropy": {}, "focal": {"gamma": 2.0}}

    def further_measures(self, label: LabelFields) -> tuple[str, ...]:
        ranks = ("perplexity", "top_K_accuracy", "recall@K", "ndcg@K", "mrr")
        # Sums for each class of each record would be too many.
        counts = () if label.sampled_softmax else ("macro_precision", "macro_recall", "macro_f1", "pr_auc")
        return (*ranks, *counts)

    def tfma_metrics(self, label: LabelFields) -> Mapping[str, str]:
        if label.per_step or label.unseen == "wrong":
            return {}
        return {"accuracy": "SparseCategoricalAccuracy", "loss": "SparseCategoricalCrossentropy"}

    def plots(self, label: LabelFields) -> tuple[Plot, ...]:
        """Curves, and a confusion matrix."""
        curves = super().plots(label)
        return (*curves, "confusion") if curves else ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """`scores` `[B, C]`, their `classes` `[B, C]`, and the `predicted_class` `[B]`."""
        return (SCORES, CLASSES, PREDICTED_CLASS)

    def row(self, label: LabelFields, answers: Mapping[str, Any], top_k: int | None = None) -> dict[str, Any]:
        """`predicted_class`, and `scores` by class; lists of both for labels of steps."""
        predicted = answers[PREDICTED_CLASS]
        words = [c.decode() for c in predicted] if label.per_step else predicted.decode()
        return with_scores({PREDICTED_CLASS: words}, answers, top_k)
