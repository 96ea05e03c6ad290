"""Counts how often each class is a target in the training split, exactly and in the one pass of all statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.schemas.columns.internal_names import file_name

if TYPE_CHECKING:
    from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
    from tfx_sequences.components.transform.transform_output import VocabularyReader


def _file(name: str) -> str:
    return "class_counts_" + file_name(name)


def analyze_classes(engine: StatisticsEngine, tokens: Any, name: str) -> None:
    """In a `preprocessing_fn`: counts strings `[N]`, one per class and target of the analyzed split.

    Args:
        engine: Counts them.
        tokens: The strings.
        name: The label's transformed name, which `read_counts` uses to find the counts.
    """
    engine.count(tokens, _file(name))


def read_counts(output: VocabularyReader, name: str, tokens: tuple[str, ...]) -> np.ndarray:
    """The counts of `analyze_classes`, float64 `[classes]`.

    Args:
        output: Transform's output.
        name: The label's transformed name.
        tokens: The string of each class.
    """
    lines = (line.decode().split(" ", 1) for line in output.vocabulary_by_name(_file(name)))
    counts = {token: int(count) for count, token in lines}
    return np.array([counts.get(token, 0) for token in tokens], np.float64)


def balanced_weights(counts: np.ndarray, targets: int, *, several: bool) -> np.ndarray:
    """Class weights with which all classes have the same total weight over the split.

    With one class per target: `targets / (classes * count)`, like scikit-learn's `compute_class_weight`.
    With several: `(targets - count) / count`, the weight of a class's presence relative to its
    absence. A class that is never a target has weight 1.

    Args:
        counts: Number of targets of each class `[C]`.
        targets: Total number of targets.
        several: Whether a target can have several classes.

    >>> balanced_weights(np.array([6.0, 2.0]), 8, several=False).tolist()
    [0.6666666666666666, 2.0]
    >>> balanced_weights(np.array([6.0, 2.0, 0.0]), 8, several=True).tolist()
    [0.3333333333333333, 3.0, 1.0]
    """
    there = np.maximum(counts, 1)
    weights = (targets - counts) / there if several else targets / (np.count_nonzero(counts) * there)
    return np.where(counts > 0, weights, 1.0)
