"""Missing values of features: lists that a record does not have, steps, and elements. They are counted, not shifted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Batch, Rows, batches, parse_batch, term_rows
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, TextColumn, TimeColumn
from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, raw_features
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class MissingCounts:
    """How much of a feature is missing.

    Attributes:
        records: Records that have steps, but no list of the feature (of a context feature: no value).
        steps: Steps without a value, those of such records included; 0 of a context feature.
        elements: Numbers that are missing in steps (or records) that have others, as NaN or `missing_value`.
        rows: All steps (of a context feature all records).
        values: Numbers, or terms, that all steps (or records) would have.
    """

    records: int = 0
    steps: int = 0
    elements: int = 0
    rows: int = 0
    values: int = 0

    def __add__(self, other: MissingCounts) -> MissingCounts:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return MissingCounts(*(ours + theirs for ours, theirs in pairs))

    @property
    def any(self) -> bool:
        """Something is missing."""
        return bool(self.records or self.steps or self.elements)

    def words(self) -> str:
        """For people to read.

        >>> MissingCounts(2, 7, 0, 40, 40).words(), MissingCounts(elements=3, rows=3, values=9).words()
        ('7 of 40 steps (all steps of 2 records)', '3 of 9 values')
        """
        found = []
        if self.steps:
            whole = f" (all steps of {self.records} record{'s' * (self.records != 1)})" if self.records else ""
            found.append(f"{self.steps} of {self.rows} steps{whole}")
        elif self.records:
            found.append(f"{self.records} of {self.rows} records")
        if self.elements:
            found.append(f"{self.elements} of {self.values} values")
        return " and ".join(found)


def parsed_batches(path: AnyPath, spec: SequenceSpec) -> Iterator[Batch]:
    """The batches of a file, parsed, with steps that are missing in place of lists that a record does not have.

    Raises:
        DataError: Records cannot be read as the spec describes them.
    """
    for batch in batches(path, spec):
        parse_batch(batch, spec)
        fill_absent_lists(batch, spec)
        yield batch


def fill_absent_lists(batch: Batch, spec: SequenceSpec) -> None:
    """Puts steps that are missing in place of feature lists that a record does not have, in a parsed batch.

    Features alone decide how many steps a record has; labels and weights of steps follow.

    Args:
        batch: The batch; `absent` says afterwards which records did not have which list.
        spec: The spec.
    """
    lists = [feature for feature in raw_features(spec) if feature.is_sequence and not feature.clock]
    if not lists:
        return
    steps = {f.tensor_name: _steps(batch.rows[f.tensor_name], f) for f in lists}
    deciding = [steps[f.tensor_name] for f in raw_features(spec, with_label=False) if f.tensor_name in steps]
    if all(counts.all() for counts in steps.values()):
        return
    for column in spec.sequence.values():
        if isinstance(column, TextColumn) and column.source == "context":
            deciding.append(term_rows(batch.rows[feature_of(column).tensor_name], column).counts)
    lengths = np.max(deciding, axis=0)
    for feature in lists:
        name = feature.tensor_name
        absent = (steps[name] == 0) & (lengths > 0)
        if absent.any():
            batch.absent[name] = absent
            batch.rows[name] = _with_steps(batch.rows[name], feature, np.where(absent, lengths, steps[name]))


def count_missing(batch: Batch, spec: SequenceSpec, counted: np.ndarray | None = None) -> dict[str, MissingCounts]:
    """What is missing of each column, by transformed name, and of each label, as `label` or `labels.NAME`.

    What lacks nothing is left out.

    Args:
        batch: A batch whose absent lists are filled.
        spec: The spec.
        counted: bool, for each record whether it counts; None: all do.
    """
    found = {}
    for name, column in spec.columns.items():
        if isinstance(column, TextColumn) and not (column.is_sequence and column.source == "sequence"):
            continue
        feature = feature_of(column)
        rows = batch.rows[feature.tensor_name]
        counts = _of_feature(batch, feature, rows, missing_numbers(rows, column), counted)
        if counts.any:
            found[name] = counts
    features = {feature.tensor_name: feature for feature in raw_features(spec)}
    for head, label in spec.heads.items():
        if label.may_be_missing:
            rows = labels_there(batch.rows[label.raw_name], label)
            counts = _of_feature(batch, features[label.raw_name], rows, missing_labels(rows, label), counted)
            if counts.any:
                found[spec.where_of_head(head)] = counts
    return found


def missing_numbers(rows: Rows, column: object) -> np.ndarray:
    """Which values of a column say that they are missing, bool; terms never do."""
    if not isinstance(column, NumericColumn | BucketizedColumn | TimeColumn) or rows.values.dtype == object:
        return np.zeros(len(rows.values), bool)
    missing = np.isnan(rows.values) if rows.values.dtype.kind == "f" else rows.values == MISSING_INT
    if column.missing_value is not None:
        missing |= rows.values == rows.values.dtype.type(column.missing_value)
    return missing


def missing_labels(rows: Rows, label: Label) -> np.ndarray:
    """Which values of a label mean that it is missing, bool."""
    values: Any = rows.values
    missing = np.isnan(values) if label.may_be_missing and values.dtype.kind == "f" else np.zeros(len(values), bool)
    for stored in label.stored_as_missing:
        missing |= values == (stored.encode() if isinstance(stored, str) else values.dtype.type(stored))
    return missing


def labels_there(rows: Rows, label: Label, *, only_values: bool = False) -> Rows:
    """The rows of a label without stored values that mean that it is missing; unchanged for vectors.

    Args:
        rows: The rows.
        label: The label.
        only_values: Whether a flat list of steps may become shorter; otherwise, it is unchanged too, because its values
            say which steps there are.
    """
    missing = missing_labels(rows, label) if label.stored_as_missing else np.zeros(0, bool)
    is_flat = label.per_step and len(rows.splits) == 1
    if not missing.any() or label.is_vector or (is_flat and not only_values):
        return rows
    import tensorflow as tf

    kept = np.concatenate([[0], np.cumsum(~missing)])
    return Rows(tf.boolean_mask(rows.tensor, ~missing), (*rows.splits[:-1], kept[rows.splits[-1]]))


def incomplete_rows(rows: Rows, column: object) -> np.ndarray:
    """Indices of the innermost rows in which a value is missing."""
    is_gap = rows.counts == 0
    is_gap[np.searchsorted(rows.splits[-1], np.flatnonzero(missing_numbers(rows, column)), side="right") - 1] = True
    return np.flatnonzero(is_gap)


def merged_counts(parts: Sequence[Mapping[str, MissingCounts]]) -> dict[str, MissingCounts]:
    """The counts of several batches together."""
    whole: dict[str, MissingCounts] = {}
    for part in parts:
        for name, counts in part.items():
            whole[name] = whole.get(name, MissingCounts()) + counts
    return whole


def _steps(rows: Rows, feature: RawFeature) -> np.ndarray:
    """Steps of each record."""
    return np.diff(rows.splits[0]) // (feature.size if len(rows.splits) == 1 else 1)


def _with_steps(rows: Rows, feature: RawFeature, steps: np.ndarray) -> Rows:
    """The rows with that many steps in each record; where it had none, they are missing."""
    before = _steps(rows, feature)
    if len(rows.splits) == 1:
        # A flat list that does not divide into steps has a message of its own.
        if (rows.counts % feature.size).any():
            return rows
        inner = np.full(before.sum(), feature.size, np.int64)
    else:
        inner = rows.counts
    every = np.zeros(steps.sum(), np.int64)
    every[np.repeat(before > 0, steps)] = inner
    return Rows(rows.tensor, (_splits(steps), _splits(every)))


def _splits(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _of_feature(
    batch: Batch, feature: RawFeature, rows: Rows, missing: np.ndarray, counted: np.ndarray | None
) -> MissingCounts:
    size = feature.size
    count = np.ones(len(batch), bool) if counted is None else counted
    # One value more, so that the last row has a place to begin at where it is empty.
    of_row = (
        np.add.reduceat(np.append(missing, False).astype(np.int64), rows.splits[-1][:-1]) if len(rows.counts) else 0
    )
    of_row = np.where(rows.counts > 0, of_row, 0)
    if not feature.is_sequence:
        nothing = int((rows.counts[count] == 0).sum()) if not feature.multi_valued else 0
        records = int(count.sum())
        return MissingCounts(nothing, 0, int(of_row[count].sum()), records, records * size)
    steps = _steps(rows, feature)
    every = int(steps[count].sum())
    absent = batch.absent.get(feature.tensor_name, np.zeros(len(batch), bool)) & count
    if len(rows.splits) == 1:
        return MissingCounts(0, 0, int(of_row[count].sum()), every, every * size)
    of_steps = np.repeat(count, steps)
    # A step without terms, where there may be any number of them, lacks none.
    nothing = steps[absent].sum() if feature.multi_valued else (rows.counts[of_steps] == 0).sum()
    return MissingCounts(int(absent.sum()), int(nothing), int(of_row[of_steps].sum()), every, every * size)
