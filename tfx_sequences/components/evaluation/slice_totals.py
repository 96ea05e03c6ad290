"""Sums over the records of each slice, and the metrics and plots that follow from them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.evaluation.names import (
    CUT_STEP_COUNT,
    EXAMPLE_COUNT,
    STEP_COUNT,
    WHOLE,
    slice_order,
    tfma_name_of_head,
)
from tfx_sequences.components.evaluation.record_sums import MeasuresOf, figures_by_range, step_sums
from tfx_sequences.components.evaluation.score_plots import Confusion, calibration_rows, count_confusion, curve_rows
from tfx_sequences.components.kinds.measures import Measures
from tfx_sequences.components.serving.names import CUT_STEPS, OUTPUTS, SUMS, TARGETS, WEIGHTS
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.kinds.declared_kind import CLASSES
from tfx_sequences.schemas.spec.length_ranges import range_name, ranges
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_RECORDS = "records"


@dataclasses.dataclass(frozen=True)
class Slicing:
    """Which records of a batch belong to which slices.

    Attributes:
        names: Names of the slices, `K`.
        rows: Rows of the batch, `[N]`, ordered by slice; a row may be in several slices.
        starts: Where the rows of each slice begin, `[K]`.
    """

    names: list[str]
    rows: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, names: Sequence[str]) -> Slicing:
        """From rows `[N]`, and the name of the slice of each.

        >>> slicing = Slicing.of(np.array([0, 1, 2]), ["b", "a", "b"])
        >>> slicing.names, slicing.rows.tolist(), slicing.sums(np.array([1.0, 2.0, 3.0])).tolist()
        (['a', 'b'], [1, 0, 2], [2.0, 4.0])
        """
        found, place = np.unique(np.array(names, object), return_inverse=True)
        order = np.argsort(place, kind="stable")
        return cls(found.tolist(), rows[order], np.searchsorted(place[order], np.arange(len(found))))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sums `[K, ...]` of values `[B, ...]` over the rows of each slice, in float64."""
        if not self.names:
            return np.zeros((0, *values.shape[1:]))
        return np.add.reduceat(values[self.rows].astype(np.float64), self.starts, axis=0)

    def parts(self) -> list[tuple[str, np.ndarray]]:
        """Each slice, and its rows."""
        ends = [*self.starts[1:], len(self.rows)]
        return [(n, self.rows[a:b]) for n, a, b in zip(self.names, self.starts, ends[: len(self.names)], strict=True)]


class SliceTotals:
    """Sums of one model's outputs by slice.

    Args:
        spec: The spec whose `evaluation` is computed.
        classes: Names of the classes by head, for confusion matrices.
        only_metrics: Leave out ranges of steps and plots.
    """

    def __init__(self, spec: SequenceSpec, classes: Mapping[str, Sequence[str]], *, only_metrics: bool = False) -> None:
        self._spec = spec
        self._classes = classes
        self._only_metrics = only_metrics
        self._ranges = [] if only_metrics else ranges(spec.evaluation.step_slices)
        self._measures: dict[str, Measures] = {}
        self._step_measures: dict[str, Measures] = {}
        self._totals: dict[str, dict[Any, np.ndarray]] = {}
        self._confusions: dict[str, dict[str, Confusion]] = {}

    @property
    def records(self) -> int:
        """Number of records."""
        return int(self._totals[WHOLE][_RECORDS]) if WHOLE in self._totals else 0

    @property
    def steps(self) -> int:
        """Number of their steps, including those that the network does not read."""
        whole = self._totals[WHOLE]
        return int(whole[SEQUENCE_LENGTH] + whole[CUT_STEPS])

    def add(self, outputs: Mapping[str, np.ndarray], slicings: Sequence[Slicing]) -> None:
        """Adds the outputs of `evaluation_outputs` for a batch of records.

        Raises:
            UserInputError: The model's sums are not those of this version.
        """
        lengths = outputs[SEQUENCE_LENGTH]
        values: dict[Any, np.ndarray] = {_RECORDS: np.ones_like(lengths), SEQUENCE_LENGTH: lengths}
        values[CUT_STEPS] = outputs[CUT_STEPS]
        for head in self._spec.heads:
            self._prepare(head, outputs)
            prefix = self._spec.output_prefix(head)
            values[head, SUMS] = outputs[prefix + SUMS]
            if head in self._step_measures:
                found = step_sums(outputs, self._step_measures[head], prefix, self._ranges)
                values[head, "step sums"], values[head, "step counts"] = found
            if "confusion" in self._plots_of(head):
                self._count_confusions(head, outputs, slicings)
        for slicing in slicings:
            sums = {key: slicing.sums(its) for key, its in values.items()}
            for place, name in enumerate(slicing.names):
                totals = self._totals.setdefault(name, {})
                for key, its in sums.items():
                    totals[key] = totals[key] + its[place] if key in totals else its[place]

    def metrics(self) -> dict[str, dict[str, float]]:
        """The metrics by slice and name."""
        found = {}
        for name, totals in self._in_order():
            metrics = {
                EXAMPLE_COUNT: float(totals[_RECORDS]),
                STEP_COUNT: float(totals[SEQUENCE_LENGTH]),
                CUT_STEP_COUNT: float(totals[CUT_STEPS]),
            }
            for head in self._spec.heads:
                metrics |= self._named(head, self._measures[head].measured(totals[head, SUMS]))
            found[name] = metrics
        return found

    def step_ranges(self) -> dict[str, dict[str, dict[str, float]]]:
        """The metrics of per-step heads by slice and range of step positions."""
        found: dict[str, dict[str, dict[str, float]]] = {}
        names = [range_name(*its) for its in self._ranges]
        for name, totals in self._in_order() if self._step_measures else ():
            its = found.setdefault(name, {steps: {} for steps in names})
            for head, measures in self._step_measures.items():
                figures = figures_by_range(measures, totals[head, "step sums"])
                for steps, of_range, count in zip(names, figures, totals[head, "step counts"], strict=True):
                    its[steps] |= self._named(head, of_range)
                    its[steps][self._spec.metric_name(head, STEP_COUNT)] = float(count)
        return found

    def plots(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The data of plots by slice and head."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for name, totals in self._in_order():
            for head in self._spec.heads:
                plots = self._plots_in(name, head, totals)
                if plots:
                    found.setdefault(name, {})[tfma_name_of_head(self._spec, head)] = plots
        return found

    def _plots_in(self, name: str, head: str, totals: Mapping[Any, np.ndarray]) -> dict[str, Any]:
        plots: dict[str, Any] = {}
        if confusion := self._confusions.get(name, {}).get(head):
            classes = self._classes[head]
            plots["confusion"] = [[classes[t], classes[p], weight] for (t, p), weight in sorted(confusion.items())]
        if "curves" in self._plots_of(head):
            sums, measures = totals[head, SUMS], self._measures[head]
            if curve := curve_rows(sums, measures):
                plots |= {"curve": curve, "calibration": calibration_rows(sums, measures)}
        return plots

    def _prepare(self, head: str, outputs: Mapping[str, np.ndarray]) -> None:
        if head in self._measures:
            return
        label, prefix = self._spec.heads[head], self._spec.output_prefix(head)
        classes = prefix + CLASSES if label.has_classes else None
        first = {classes: outputs[classes][0]} if classes else {}
        text = label.model_dump_json()
        measures = MeasuresOf(text, classes, with_curve=True)(first)
        if measures.size != outputs[prefix + SUMS].shape[-1]:
            raise UserInputError(
                f"The model has other sums of the head '{head}' than this version computes metrics from.",
                expected=f"{measures.size} sums per record",
                received=f"{outputs[prefix + SUMS].shape[-1]} sums, from another version of tfx-sequences",
                fix="Train the model again, or evaluate it with the version that exported it.",
            )
        self._measures[head] = measures
        if label.per_step and self._ranges:
            self._step_measures[head] = MeasuresOf(text, classes)(first)

    def _plots_of(self, head: str) -> tuple[str, ...]:
        label = self._spec.heads[head]
        return () if self._only_metrics else label.kind.plots(label)

    def _count_confusions(self, head: str, outputs: Mapping[str, np.ndarray], slicings: Sequence[Slicing]) -> None:
        prefix = self._spec.output_prefix(head)
        logits, targets, weights = (outputs[prefix + name] for name in (OUTPUTS, TARGETS, WEIGHTS))
        for slicing in slicings:
            for name, rows in slicing.parts():
                confusion = self._confusions.setdefault(name, {}).setdefault(head, Counter())
                count_confusion(confusion, logits[rows], targets[rows], weights[rows])

    def _named(self, head: str, figures: Mapping[str, float]) -> dict[str, float]:
        names = self._spec.heads[head].metrics
        return {self._spec.metric_name(head, name): figures[name] for name in names if name in figures}

    def _in_order(self) -> list[tuple[str, dict[Any, np.ndarray]]]:
        return sorted(self._totals.items(), key=lambda item: slice_order(item[0]))
