"""Metrics of naive answers on a split, with the same targets, weights and definitions as the model's own.

A naive answer needs at most counts of the training split: the majority class, the most frequent class for a term or
after the previous label, the mean, the last value, the last season. See docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tfx_sequences.components.naive.classes import Answers, NaiveClasses
from tfx_sequences.components.naive.head_batches import HeadBatch, naive_batches
from tfx_sequences.components.naive.multi_label import NaiveMultiLabel
from tfx_sequences.components.naive.numbers import NaiveForecasts, NaiveNumbers
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.kinds.classification import DeclaredClassification
from tfx_sequences.schemas.kinds.forecast import DeclaredForecast
from tfx_sequences.schemas.kinds.multi_label import DeclaredMultiLabel
from tfx_sequences.schemas.kinds.regression import DeclaredRegression
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.training_options import better_direction

FIGURES, LEFT_OUT = "figures", "left_out"
# By the kind of label; other kinds do not have naive answers.
_HEADS: Mapping[str, Callable[[Label, Sequence[str]], NaiveHead]] = {
    DeclaredClassification.name: NaiveClasses,
    DeclaredMultiLabel.name: NaiveMultiLabel,
    DeclaredRegression.name: lambda label, _: NaiveNumbers(label),
    DeclaredForecast.name: lambda label, _: NaiveForecasts(label),
}


class NaiveHead(Protocol):
    """Collects the counts for the naive answers of one head."""

    @property
    def reads_training(self) -> bool:
        """Whether it needs the training split."""

    @property
    def left_out(self) -> Sequence[str]:
        """Descriptions of the answers that were skipped."""

    def fit(self, batch: HeadBatch) -> None:
        """Counts a batch of the training split."""

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the evaluated split."""

    def answers(self) -> Answers:
        """The metrics on the evaluated split."""


def naive_answers(
    spec: SequenceSpec,
    classes: Mapping[str, Sequence[str]],
    train: Iterable[Mapping[str, HeadBatch]],
    test: Iterable[Mapping[str, HeadBatch]],
) -> dict[str, Any]:
    """The naive answers for a spec's labels; reads each split once.

    Args:
        spec: The spec.
        classes: The classes of each head with classes, in the order of its outputs.
        train: Batches of the training split, from `naive_batches`; not read if no answer needs them.
        test: Batches of the evaluated split.

    Returns:
        `figures`: for each metric, by the Evaluator's name, `{"answer": name, "value": figure}` of each naive answer,
        the best first. `left_out`: descriptions of the answers that were skipped.
    """
    heads = {
        name: _HEADS[label.type](label, classes.get(name, ()))
        for name, label in spec.heads.items()
        if label.type in _HEADS
    }
    learning = {name: head for name, head in heads.items() if head.reads_training}
    for batch in train if learning else ():
        for name, head in learning.items():
            head.fit(batch[name])
    for batch in test if heads else ():
        for name, head in heads.items():
            head.measure(batch[name])
    figures = {}
    for name, head in heads.items():
        for figure, values in head.answers().items():
            if figure in spec.heads[name].metrics:
                figures[spec.metric_name(name, figure)] = _best_first(figure, values)
    return {FIGURES: figures, LEFT_OUT: [words for head in heads.values() for words in head.left_out]}


def naive_answers_of_files(
    spec: SequenceSpec,
    classes: Mapping[str, Sequence[str]],
    train_files: Sequence[str],
    test_files: Sequence[str],
    lengths: LengthHistogram,
) -> dict[str, Any]:
    """The same for files of transformed records.

    Args:
        spec: The spec.
        classes: The classes, as in `naive_answers`.
        train_files: Files of the training split.
        test_files: Files of the evaluated split.
        lengths: Lengths of the training split.
    """
    train, test = (naive_batches(files, spec, lengths) for files in (train_files, test_files))
    return naive_answers(spec, classes, train, test)


def _best_first(figure: str, values: Mapping[str, float]) -> list[dict[str, Any]]:
    sign = 1 if better_direction(figure) == "min" else -1
    return [{"answer": name, "value": value} for name, value in sorted(values.items(), key=lambda x: sign * x[1])]
