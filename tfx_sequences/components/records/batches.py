"""Batches of records, parsed by one vectorised op into NumPy arrays, with only the features that a spec uses."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.keys import feature_name, record_id, stored_kinds, wrong_dtype
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.places import place
from tfx_sequences.components.records.well_formed import first_fault, parse_errors
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.column import TermColumn, TextColumn
from tfx_sequences.schemas.features.raw_features import RawFeature, key_of_items, raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_BATCH_RECORDS = 2_048
_BATCH_BYTES = 32 << 20


@dataclasses.dataclass(frozen=True)
class Rows:
    """The values of one feature in a batch.

    Attributes:
        tensor: All values, flat.
        splits: Row splits, outermost first: one for values of records, two for
            values of steps of records.
    """

    tensor: Any
    splits: tuple[np.ndarray, ...]

    @functools.cached_property
    def values(self) -> np.ndarray:
        """All values, flat; strings as an object array of bytes."""
        return self.tensor.numpy()

    @property
    def counts(self) -> np.ndarray:
        """Values per innermost row: per record, or per step."""
        return np.diff(self.splits[-1])

    def records_of_values(self, at: np.ndarray) -> np.ndarray:
        """The records (indices in the batch) that contain the values."""
        return self.records_of_rows(np.searchsorted(self.splits[-1], at, side="right") - 1)

    def records_of_rows(self, at: np.ndarray) -> np.ndarray:
        """The records that contain the innermost rows."""
        return at if len(self.splits) == 1 else np.searchsorted(self.splits[0], at, side="right") - 1


@dataclasses.dataclass
class Batch:
    """Consecutive serialized records of one file.

    Attributes:
        path: The file.
        first: Index of the first record in the file.
        records: The records.
        rows: The result of `parse_batch`, by tensor name.
        absent: By tensor name, bool `[B]`: records that have steps, but no list of the feature; only where there are
            such records.
    """

    path: AnyPath
    first: int
    records: list[bytes]
    rows: dict[str, Rows] = dataclasses.field(default_factory=dict)
    absent: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.records)

    def place(self, index: int, spec: SequenceSpec) -> tuple[AnyPath, int, str | None]:
        """File, index in the file and id of the record at `index` of the batch."""
        return self.path, self.first + index, record_id(self.records[index], spec)


def batches(path: AnyPath, spec: SequenceSpec) -> Iterator[Batch]:
    """All records of a file, in batches of at most a few thousand records and a few tens of MB."""
    records: list[bytes] = []
    first = size = 0
    for record in read_records(path, items_key=key_of_items(spec)):
        records.append(record)
        size += len(record)
        if len(records) == _BATCH_RECORDS or size >= _BATCH_BYTES:
            yield Batch(path, first, records)
            first, size, records = first + len(records), 0, []
    if records:
        yield Batch(path, first, records)


def parse_batch(batch: Batch, spec: SequenceSpec) -> None:
    """Fills `batch.rows` with each feature of the spec, by tensor name.

    Raises:
        DataError: A record is not well-formed, stores a feature with another dtype than the spec, or has an empty value
            that readers reject.
    """
    import tensorflow as tf

    found = first_fault(batch.records, spec)
    if found is not None:
        index, fault = found
        raise fault.error(*batch.place(index, spec))
    features = raw_features(spec)
    serialized = tf.constant(batch.records, tf.string)
    try:
        parsed = _parse(serialized, spec, {f.tensor_name: _ragged(f) for f in features})
    except parse_errors() as error:
        raise _culprit(batch, spec, features, str(error)) from error
    for name, tensor in parsed.items():
        splits = tuple(s.numpy() for s in tensor.nested_row_splits)
        batch.rows[name] = Rows(tensor.flat_values, splits)
    _refuse_empty_values(batch, spec, features, serialized)


def term_rows(rows: Rows, column: TermColumn) -> Rows:
    """The terms of a column's feature (for text: the tokens), in the rows of their records or steps."""
    import tensorflow as tf

    from tfx_sequences.components.features.tokens import split_tokens

    if isinstance(column, TextColumn):
        tokens = split_tokens(rows.tensor, column).with_row_splits_dtype(tf.int64)
        # A record (or step) gets the tokens of its only string, or no tokens without a string.
        return Rows(tokens.values, (*rows.splits[:-1], tokens.row_splits.numpy()[rows.splits[-1]]))
    if not column.lowercase:
        return rows
    return Rows(tf.strings.lower(rows.tensor, encoding="utf-8"), rows.splits)


def _ragged(feature: RawFeature) -> Any:
    import tensorflow as tf

    return tf.io.RaggedFeature(tf.as_dtype(feature.dtype), value_key=feature.key, row_splits_dtype=tf.int64)


def _parse(serialized: Any, spec: SequenceSpec, parsers: dict[str, Any]) -> dict[str, Any]:
    import tensorflow as tf

    if spec.record == "Example":
        return tf.io.parse_example(serialized, parsers)
    is_sequence = {f.tensor_name: f.is_sequence for f in raw_features(spec)}
    context = {name: parser for name, parser in parsers.items() if not is_sequence[name]}
    sequence = {name: parser for name, parser in parsers.items() if is_sequence[name]}
    context, sequence, _ = tf.io.parse_sequence_example(serialized, context or None, sequence or None)
    return {**context, **sequence}


def _refuse_empty_values(batch: Batch, spec: SequenceSpec, features: list[RawFeature], serialized: Any) -> None:
    """Raises if an optional context feature is present without a value; it may only be absent.

    The ragged parse does not distinguish the two; the pipeline's own parse fails on an empty value.
    """
    import tensorflow as tf

    doubtful = [
        f
        for f in features
        if not (f.is_sequence or f.required or f.multi_valued) and not batch.rows[f.tensor_name].counts.all()
    ]
    if not doubtful:
        return
    for feature in doubtful:
        # A number of values that does not fit the shape has its own message; this is only about rows without values.
        empty = np.flatnonzero(batch.rows[feature.tensor_name].counts == 0)
        default = [feature.default] * feature.size if feature.shape else feature.default
        parser = tf.io.FixedLenFeature(feature.shape, tf.as_dtype(feature.dtype), default)
        try:
            parse = tf.io.parse_example if spec.record == "Example" else tf.io.parse_sequence_example
            parse(tf.gather(serialized, empty), {feature.key: parser})
        except parse_errors() as error:
            raise _empty_value(batch, spec, feature, empty) from error


def _empty_value(batch: Batch, spec: SequenceSpec, feature: RawFeature, empty: np.ndarray) -> DataError:
    from tensorflow.core.example import example_pb2

    contexts = (example_pb2.SequenceExample.FromString(batch.records[i]).context.feature for i in empty)
    index = next((i for i, context in zip(empty, contexts, strict=True) if feature.key in context), empty[0])
    return DataError(
        f"{feature_name(feature, spec)} is present, but without a value.",
        expected=f"{feature.size} values, or no '{feature.key}' in the record at all",
        received=f"an empty list in {place(*batch.place(int(index), spec))}",
        fix=f"Leave '{feature.key}' out of records that have no value for it.",
    )


def _culprit(batch: Batch, spec: SequenceSpec, features: list[RawFeature], message: str) -> DataError:
    """The reason why the vectorised parse of a batch failed, found record by record."""
    from tensorflow.core.example import example_pb2

    for index, record in enumerate(batch.records):
        parsed = example_pb2.SequenceExample.FromString(record)
        for feature in features:
            in_lists = feature.is_sequence and spec.payload == "SequenceExample"
            side = parsed.feature_lists.feature_list if in_lists else parsed.context.feature
            wrong = sorted(stored_kinds(side[feature.key]) - {feature.dtype}) if feature.key in side else []
            if wrong:
                return wrong_dtype(spec, feature, wrong[0], batch.path, batch.first + index)
    last = batch.first + len(batch) - 1
    return DataError(
        f"The records {batch.first} to {last} of {batch.path} cannot be parsed.",
        expected=f"tf.{spec.payload} records with the features of the spec",
        received=f"TensorFlow's error: {message}",
        fix="Write the records again.",
    )
