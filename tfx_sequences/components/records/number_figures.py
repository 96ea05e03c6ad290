"""Statistics of the numbers in the training records: the normalizer that `auto` chooses, and advice on others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx_sequences.components.numbers.choice import NormalizerChoice, choose_normalizer
from tfx_sequences.components.numbers.statistics import NumberStatistics
from tfx_sequences.components.records.batches import Batch, Rows, batches, parse_batch
from tfx_sequences.components.records.byte_faults import decoded_rows
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy
from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of
from tfx_sequences.schemas.features.record_scales import may_be_per_record
from tfx_sequences.schemas.spec.forecasts import forecast_heads
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

    @classmethod
    def of_files(cls, files: Iterable[AnyPath], spec: SequenceSpec) -> NumberFigures:
        """The statistics of all records of some files.

        Raises:
            DataError: The records do not match the spec.
        """
        figures = cls(spec)
        for file in files if figures._columns else ():
            for batch in batches(file):
                parse_batch(batch, spec)
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
                rows, feature = (
                    decoded_rows(rows, column, column.layout),
                    dataclasses.replace(feature, shape=column.shape),
                )
            read = _numbers(rows, feature, column.default_value, counted)
            if read is not None:
                values, lengths = read
                of_batch = NumberStatistics.of(values, lengths if may_be_per_record(self._spec, name) else None)
                self._found[name] = self._found[name].merged(of_batch) if name in self._found else of_batch

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
        return lines


def _numbers(
    rows: Rows, feature: RawFeature, default: float | None, counted: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Values `[N, E]`, NaN for missing ones, and steps of each record; None if they do not fit the column."""
    size, counts = feature.size, rows.counts
    if rows.values.dtype == object:
        return None
    if feature.is_sequence and len(rows.splits) == 1:  # a flat list, as in an Example
        if (counts % size).any():
            return None
        lengths: Any = counts // size
        values = rows.values.reshape(-1, size).astype(np.float64)
    else:
        if not np.isin(counts, (0, size)).all():
            return None
        lengths = np.diff(rows.splits[0]) if feature.is_sequence else None
        values = np.full((len(counts), size), np.nan if default is None else default)
        values[counts > 0] = rows.values.reshape(-1, size)
    # The check of values reports values that are not finite.
    values[~np.isfinite(values)] = np.nan
    if counted is None:
        return values, lengths
    if lengths is None:
        return values[counted], None
    return values[np.repeat(counted, lengths)], lengths[counted]
