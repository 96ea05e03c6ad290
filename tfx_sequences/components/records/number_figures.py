"""Statistics of the numbers in the training records: the normalizer that `auto` chooses, and advice on others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx_sequences.components.numbers.choice import NormalizerChoice, choose_normalizer
from tfx_sequences.components.numbers.statistics import NumberStatistics
from tfx_sequences.components.records.batches import Batch, Rows
from tfx_sequences.components.records.byte_faults import decoded_rows
from tfx_sequences.components.records.lost_digits import DistinctNumbers
from tfx_sequences.components.records.missing_values import missing_numbers, parsed_batches
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.schemas.columns.column import NumericColumn, Scaling
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy
from tfx_sequences.schemas.columns.numeric_columns import FILLED_FROM_STEPS, RECORD_NORMALIZERS
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, offset_feature
from tfx_sequences.schemas.features.record_scales import may_be_per_record
from tfx_sequences.schemas.spec.forecasts import forecast_heads
from tfx_sequences.schemas.spec.offsets import offset_column
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Normalizers for heavy tails; they do not need advice about tails.
_FOR_TAILS = ("robust", "quantile", "log1p")


class NumberFigures:
    """Statistics of the numeric columns of a spec, from batches of raw records.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._spec = spec
        targets = {str(label.target) for label in forecast_heads(spec).values()}
        # A forecast normalizes its target series by series.
        self._columns = {
            name: column
            for name, column in spec.columns.items()
            if isinstance(column, NumericColumn) and not (column.is_sequence and name.partition(".")[2] in targets)
        }
        self._found: dict[str, NumberStatistics] = {}
        self._distinct: dict[str, DistinctNumbers] = {}

    @classmethod
    def of_files(cls, files: Iterable[AnyPath], spec: SequenceSpec) -> NumberFigures:
        """The statistics of all records of some files.

        Raises:
            DataError: The records do not match the spec.
        """
        figures = cls(spec)
        for file in files if figures._columns else ():
            for batch in parsed_batches(file, spec):
                figures.add(batch)
        return figures

    def add(self, batch: Batch, counted: np.ndarray | None = None) -> None:
        """Adds a batch.

        Args:
            batch: A parsed batch.
            counted: bool, whether each record counts; None if all do.
        """
        for name, column in self._columns.items():
            feature = feature_of(column)
            if column.stays_encoded:
                continue  # No statistic decides what becomes of them.
            rows = batch.rows[feature.tensor_name]
            if column.layout is not None:
                rows = decoded_rows(rows, column, column.layout)
                feature = dataclasses.replace(feature, shape=column.shape)
            stored = _stored(rows, feature, column)
            stored = stored and _reduced(batch, self._spec, column, stored)
            if stored is None:
                continue
            stored = _counted(stored, counted)
            values = np.where(stored.there, stored.values.astype(np.float64), np.nan)
            of_batch = NumberStatistics.of(values, stored.lengths if may_be_per_record(self._spec, name) else None)
            self._found[name] = self._found[name].merged(of_batch) if name in self._found else of_batch
            if column.dtype == "int64":
                self._distinct.setdefault(name, DistinctNumbers(column.size)).add(stored.values, stored.there)

    def choices(self) -> dict[str, NormalizerChoice]:
        """The normalizer that `auto` chooses, or would choose, for each numeric column."""
        return {
            name: choose_normalizer(found, per_record=may_be_per_record(self._spec, name))
            for name, found in self._found.items()
        }

    def advice(self) -> list[str]:
        """A line for each column whose normalizer is set, but does not suit its values."""
        lines = []
        for name, choice in self.choices().items():
            given = self._columns[name].normalizer
            if isinstance(given, Scaling) and given.then != "none":
                given = given.then
            # By key, values may be normal that are not so together.
            suits = (
                isinstance(given, ZScoreBy)
                or given in ("auto", *RECORD_NORMALIZERS)
                or choice.normalizer in ("z_score", given)
            )
            if not suits and (choice.normalizer == "per_record" or given not in _FOR_TAILS):
                said = given if isinstance(given, str) else "offset and scale"
                lines.append(
                    f"{name}: the normalizer is {said}, but {choice.why}; `normalizer: auto` chooses "
                    f"{choice.normalizer}"
                )
        return [*lines, *self._lost_digits()]

    def _lost_digits(self) -> Iterable[str]:
        choices = self.choices()
        for name, distinct in self._distinct.items():
            method = self._columns[name].method
            lost = distinct.lost(choices[name].normalizer if method == "auto" else method, self._found[name].moments)
            if lost:
                yield f"{name}: {lost}; an `offset` (a number, `first` or `previous`) keeps their digits"


@dataclasses.dataclass(frozen=True)
class _Stored:
    """The numbers of a feature in a batch: `[N, E]` as they are stored, which are there, and the steps of records."""

    values: np.ndarray
    there: np.ndarray
    lengths: np.ndarray | None


def _stored(rows: Rows, feature: RawFeature, column: NumericColumn | None) -> _Stored | None:
    """What a column reads of its feature; None if the values do not fit the column."""
    size, counts = feature.size, rows.counts
    if rows.values.dtype == object:
        return None
    there = ~missing_numbers(rows, column) & np.isfinite(rows.values)
    default = None if column is None or column.missing in FILLED_FROM_STEPS else column.default_value
    flat = rows.values
    if default is not None:
        flat, there = np.where(there, flat, rows.values.dtype.type(default)), np.ones_like(there)
    if feature.is_sequence and len(rows.splits) == 1:  # a flat list, as in an Example
        if (counts % size).any():
            return None
        return _Stored(flat.reshape(-1, size), there.reshape(-1, size), counts // size)
    if not np.isin(counts, (0, size)).all():
        return None
    values = np.full((len(counts), size), 0 if default is None else default, flat.dtype)
    known = np.full((len(counts), size), default is not None)
    values[counts > 0], known[counts > 0] = flat.reshape(-1, size), there.reshape(-1, size)
    return _Stored(values, known, np.diff(rows.splits[0]) if feature.is_sequence else None)


def _reduced(batch: Batch, spec: SequenceSpec, column: NumericColumn, stored: _Stored) -> _Stored | None:
    """The numbers with their offset and scale, by the code of the transform graph; None if the offset does not fit."""
    import tensorflow as tf

    from tfx_sequences.components.numbers.reduction import Reference, reduced

    if not isinstance(column.normalizer, Scaling):
        return stored
    reference, feature = None, offset_feature(spec, column)
    if feature is not None:
        other: Any = offset_column(column, spec.context, spec.sequence)
        found = _stored(batch.rows[feature.tensor_name], feature, other)
        if found is None:
            return None
        parts = [found.values, found.there]
        if column.is_sequence and not feature.is_sequence:
            parts = [np.repeat(part, np.asarray(stored.lengths), axis=0) for part in parts]
        if len(parts[0]) != len(stored.values):
            return None
        reference = Reference(*map(tf.constant, parts))
    values, there = reduced(
        tf.constant(stored.values), tf.constant(stored.there), stored.lengths, column.normalizer, reference
    )
    return _Stored(values.numpy(), there.numpy(), stored.lengths)


def _counted(stored: _Stored, counted: np.ndarray | None) -> _Stored:
    """Those of the records that count."""
    if counted is None:
        return stored
    rows = counted if stored.lengths is None else np.repeat(counted, stored.lengths)
    lengths = None if stored.lengths is None else stored.lengths[counted]
    return _Stored(stored.values[rows], stored.there[rows], lengths)
