"""What a head's metrics are computed from, by record: sums by range of step positions, and the measures of the sums.

The Evaluator and `evaluate_model` use the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.components.serving.names import CUT_STEPS, OUTPUTS, TARGETS, WEIGHTS
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.length_ranges import name_of_range_with

Range = tuple[int, int | None]


class MeasuresOf:
    """Creates the measures of a head: the same ones that computed its sums.

    Args:
        label: The head's label, as JSON.
        classes: The model's output with the names of the classes; None for numbers.
        with_curve: As in `LabelKind.measures`.
    """

    def __init__(self, label: str, classes: str | None, *, with_curve: bool = False) -> None:
        self._label = label
        self._classes = classes
        self._with_curve = with_curve

    def __call__(self, predictions: Mapping[str, Any]) -> Measures:
        """The measures of a model with these outputs for a record."""
        label = Label.model_validate_json(self._label)
        names = [c.decode() for c in np.ravel(predictions[self._classes])] if self._classes else []
        return evaluated_measures(label, names, with_curve=self._with_curve)


def step_sums(
    predictions: Mapping[str, Any], measures: Measures, prefix: str, ranges: Sequence[Range]
) -> tuple[np.ndarray, np.ndarray]:
    """The sums of a per-step head in each of `R` ranges of step positions.

    Args:
        predictions: The outputs of `evaluation_outputs` for a batch.
        measures: The head's measures, `S` sums. Without a curve: for few records it says little, and needs many sums.
        prefix: The prefix of the head's outputs.
        ranges: The ranges.

    Returns:
        The sums `[B, R, S]`, and the number of real steps `[B, R]`.
    """
    weights = predictions[prefix + WEIGHTS]
    lengths = predictions[SEQUENCE_LENGTH]
    positions = np.arange(weights.shape[1])
    sums, counts = [], []
    for first, end in ranges:
        there = (positions >= first) & (positions < (end or len(positions)))
        its = [predictions[prefix + TARGETS], predictions[prefix + OUTPUTS], np.where(there, weights, 0)]
        sums.append(np.asarray(measures.sums(*its)))
        counts.append(np.clip(lengths, 0, end) - np.clip(lengths, 0, first))
    return np.stack(sums, axis=1), np.stack(counts, axis=1)


def figures_by_range(measures: Measures, total: np.ndarray) -> list[dict[str, float]]:
    """The metrics of each range, from the sums over the records `[R, S]`."""
    return [measures.measured(sums) for sums in total]


def length_ranges_of(predictions: Mapping[str, Any], ranges: Sequence[Range]) -> list[str]:
    """The name of the range of each record's length, `B` of them; cut steps count.

    >>> length_ranges_of({"sequence_length": np.array([3, 5]), "cut_steps": np.array([0, 2])}, [(0, 6), (6, None)])
    ['0-5', '6 and more']
    """
    whole = predictions[SEQUENCE_LENGTH] + predictions[CUT_STEPS]
    return [name_of_range_with(int(length), ranges) for length in whole]
