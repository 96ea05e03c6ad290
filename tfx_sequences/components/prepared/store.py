"""Writes the prepared store: the transformed records again, column by column.

Later epochs then parse nothing (`prepared_input.py`).
`docs/prepared_store.md` describes its costs and benefits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import tensorflow as tf

from tfx_sequences.components.prepared.byte_columns import (
    decoded_features,
    encoded_columns,
    present_name,
    stored_dtype,
)
from tfx_sequences.components.prepared.format import (
    HEADER,
    LENGTHS,
    StoredColumn,
    StoredPart,
    StoreHeader,
    StoreIdentity,
)
from tfx_sequences.components.records.opening import record_datasets
from tfx_sequences.components.records.well_formed import malformed
from tfx_sequences.errors import DataError, UserInputError, shortened
from tfx_sequences.schemas.columns.names import MISSING_INT, SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.record_scales import read_features
from tfx_sequences.schemas.features.transformed_features import RECORD_ID, label_name, names_of_step_labels
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.whole_files import folder_written_whole

RECORDS_PER_PART = 8192
_BYTES_PER_PART = 16 << 20
_PARSED_AT_ONCE = 4096
_INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.int32)


def write_prepared_store(
    files: list[str],
    spec: SequenceSpec,
    feature_spec: dict[str, Any],
    folder: str | Path,
    identity: StoreIdentity,
    *,
    records_per_part: int = RECORDS_PER_PART,
) -> StoreHeader:
    """Writes the store of one split.

    Records are assigned to parts at random by `spec.training.seed`, so that each part is a sample of
    the whole split, whatever the order of the records. Memory use does not grow with the split.

    Args:
        files: TFRecords of transformed `tf.Example`; uncompressed or compressed.
        spec: The spec.
        feature_spec: `make_parse_transformed_spec(spec)`.
        folder: Output folder on a local disk; it appears only when the store is complete.
        identity: What the records were made from; readers compare it.
        records_per_part: Maximum number of records per file.

    Raises:
        UserInputError: `folder` exists already, or a feature has a type that the store does not support.
        DataError: A record's label is a class that is not in the spec or the training split.
    """
    target = Path(folder)
    if target.exists():
        raise UserInputError(
            f"{target} already exists.",
            expected="a folder that does not exist yet",
            fix="Remove it, or choose another one.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    feature_spec = read_features(feature_spec, spec)
    columns = _columns(feature_spec, spec)
    with folder_written_whole(target) as building, contextlib.ExitStack() as opened:
        spilled = _Spill(building, columns, opened)
        for batch in _parsed(files, feature_spec, spec):
            _check_labels(batch, spec, spilled.records)
            spilled.append(batch)
        header = spilled.write_parts(building, identity, spec.training.seed, records_per_part)
        spilled.remove()
        (building / HEADER).write_text(header.model_dump_json(indent=1))
    return header


def _columns(feature_spec: dict[str, Any], spec: SequenceSpec) -> list[StoredColumn]:
    columns = []
    encoded = encoded_columns(spec)
    steps = {name for name in feature_spec if name.startswith(SEQUENCE_PREFIX)} | names_of_step_labels(spec)
    for name, feature in sorted(feature_spec.items()):
        if name == SEQUENCE_LENGTH:
            continue  # lengths.npy
        if name in encoded:
            kind = "sequence" if encoded[name].is_sequence else "context"
            columns.append(_column(name, kind, stored_dtype(encoded[name]), encoded[name].shape))
            columns.append(_column(present_name(name), kind, "uint8", ()))
            continue
        dtype = feature.dtype.name
        if isinstance(feature, tf.io.FixedLenFeature):
            columns.append(_column(name, "context", dtype, tuple(feature.shape)))
            continue
        partitions = getattr(feature, "partitions", None) or ()
        fixed = all(isinstance(p, tf.io.RaggedFeature.UniformRowLength) for p in partitions)
        of_steps = name in steps and isinstance(feature, tf.io.RaggedFeature)
        if not of_steps or not fixed or feature.dtype == tf.string:
            raise UserInputError(
                f"'{name}' cannot be stored in a prepared store.",
                expected="one number, id or vector per step, or per record",
                received=str(feature),
                fix="Train from the transformed records.",
            )
        columns.append(_column(name, "sequence", dtype, tuple(p.length for p in partitions)))
    return columns


def _column(name: str, kind: Any, dtype: str, shape: tuple[int, ...]) -> StoredColumn:
    return StoredColumn(name=name, kind=kind, dtype=dtype, stored=dtype, shape=shape)


def _parsed(files: list[str], feature_spec: dict[str, Any], spec: SequenceSpec) -> Iterator[dict[str, Any]]:
    def parse(serialized: tf.Tensor) -> tuple[tf.Tensor, dict[str, Any]]:
        return serialized, decoded_features(tf.io.parse_example(serialized, feature_spec), spec)

    for records in record_datasets(sorted(files)):
        for serialized, parsed in records.batch(_PARSED_AT_ONCE).map(parse, num_parallel_calls=2).prefetch(1):
            if malformed(serialized.numpy(), spec, "Example").any():
                raise DataError(
                    "The prepared store cannot be written: a transformed record is not well-formed.",
                    expected="records written by Transform",
                    fix="Run Transform again.",
                )
            yield parsed


def _check_labels(batch: dict[str, Any], spec: SequenceSpec, before: int) -> None:
    for head, label in spec.heads.items():
        if label.target_dtype != "int64":
            continue  # Only an index can stand for an unknown class.
        indices = batch[label_name(head)]
        found = indices.values.numpy() if label.per_step else indices.numpy()
        wrong = found < 0
        if label.may_be_missing:
            wrong &= found != MISSING_INT
        unknown = np.unique(indices.value_rowids().numpy()[wrong]) if label.per_step else np.flatnonzero(wrong)
        if unknown.size:
            ids = batch[RECORD_ID].numpy()[unknown] if spec.id_key else unknown + before
            names = [i.decode() if isinstance(i, bytes) else str(i) for i in ids]
            where = spec.where_of_head(head)
            raise DataError(
                f"Label '{label.key}': {len(names)} of {len(wrong) if not label.per_step else indices.nrows()} records "
                "have a class that is not in the spec or the training split.",
                expected=f"a class of `{where}.classes`, or one of the training split",
                received=f"another class in record {shortened(names)}",
                fix=f"Correct or remove the records, or add the class to `{where}.classes`.",
            )


class _Spill:
    """The columns of all records in order of arrival, in files that allow random access."""

    def __init__(self, folder: Path, columns: list[StoredColumn], opened: contextlib.ExitStack) -> None:
        self.columns = columns
        self._paths = [folder / f"spilled-{i}" for i in range(len(columns))]
        self._files = [opened.enter_context(path.open("wb")) for path in self._paths]
        self._lengths: list[np.ndarray] = []
        self._sizes: dict[str, list[np.ndarray]] = {c.name: [] for c in columns if c.dtype == "string"}
        self._range = {c.name: (0, 0) for c in columns if c.dtype == "int64"}
        self.records = 0

    def append(self, batch: dict[str, Any]) -> None:
        lengths = batch[SEQUENCE_LENGTH].numpy()
        for column, file in zip(self.columns, self._files, strict=True):
            value = batch[column.name]
            if column.kind == "sequence":
                if not np.array_equal(value.row_lengths().numpy(), lengths):
                    raise DataError(
                        f"'{column.name}': the number of steps of a record differs from its `{SEQUENCE_LENGTH}`.",
                        expected="records written by Transform",
                        fix="Run Transform again.",
                    )
                value = value.values
            values = value.numpy()
            if column.dtype == "string":
                flat = values.reshape(-1).tolist()
                self._sizes[column.name].append(np.array([len(v) for v in flat], np.int64))
                file.write(b"".join(flat))
                continue
            if column.dtype == "int64" and values.size:
                low, high = self._range[column.name]
                self._range[column.name] = min(low, int(values.min())), max(high, int(values.max()))
            file.write(np.ascontiguousarray(values, np.dtype(column.dtype).newbyteorder("<")).data)
        self._lengths.append(lengths)
        self.records += len(lengths)

    def write_parts(self, folder: Path, identity: StoreIdentity, seed: int, records_per_part: int) -> StoreHeader:
        total = sum(file.tell() for file in self._files)
        for file in self._files:
            file.close()
        lengths = np.concatenate([np.zeros(0, np.int64), *self._lengths])
        count = max(1, -(-self.records // records_per_part), -(-total // _BYTES_PER_PART))
        dealt = np.array_split(np.random.default_rng(seed).permutation(self.records), count)
        # Records of similar length are read together, so they are stored together: fewer cache misses.
        dealt = [rows[np.argsort(lengths[rows], kind="stable")] for rows in dealt]
        columns = [c.model_copy(update={"stored": self._stored(c)}) for c in self.columns]
        readers = [self._reader(column, path, lengths) for column, path in zip(columns, self._paths, strict=True)]
        parts = []
        for index, rows in enumerate(dealt):
            name = f"part-{index:05d}-of-{count:05d}"
            contents = [read(rows) for read in readers]
            crc = 0
            with (folder / name).open("wb") as file:
                for content in contents:
                    file.write(content)
                    crc = google_crc32c.extend(crc, content)
            steps = int(lengths[rows].sum())
            sizes = tuple(len(c) for c in contents)
            parts.append(StoredPart(name=name, records=len(rows), steps=steps, sizes=sizes, crc32c=crc))
        in_order = np.concatenate([lengths[rows] for rows in dealt]).astype("<i4")
        np.save(folder / LENGTHS, in_order)
        return StoreHeader(
            spec_fingerprint=identity.spec_fingerprint,
            transform_digest=identity.transform_digest,
            seed=seed,
            columns=tuple(columns),
            parts=tuple(parts),
            lengths_crc32c=google_crc32c.value(in_order.tobytes()),
        )

    def remove(self) -> None:
        for path in self._paths:
            path.unlink()

    def _stored(self, column: StoredColumn) -> str:
        if column.dtype != "int64":
            return column.dtype
        low, high = self._range[column.name]
        fits = [t for t in _INTEGERS if np.iinfo(t).min <= low and high <= np.iinfo(t).max]
        return np.dtype(fits[0] if fits else np.int64).name

    def _reader(self, column: StoredColumn, path: Path, lengths: np.ndarray) -> Any:
        """A function that maps row numbers `[n]` to the bytes of their values, in that order."""
        is_string = column.dtype == "string"
        if is_string:
            sizes = np.concatenate([np.zeros(0, np.int64), *self._sizes[column.name]])
            width, dtype = int(np.prod(column.shape, dtype=np.int64)), np.dtype(np.uint8)
            per_row = sizes.reshape(-1, width).sum(1)
        else:
            dtype = np.dtype(column.dtype).newbyteorder("<")
            per_row = lengths if column.kind == "sequence" else np.ones(self.records, np.int64)
        shape = () if is_string else column.shape
        flat = np.fromfile(path, dtype) if not path.stat().st_size else np.memmap(path, dtype, mode="r")
        values = flat.reshape(-1, *shape)
        starts = np.cumsum(per_row) - per_row
        stored = np.dtype(np.uint8) if is_string else np.dtype(column.stored).newbyteorder("<")

        def read(rows: np.ndarray) -> bytes:
            counts = per_row[rows]
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            content = values[np.repeat(starts[rows], counts) + within].astype(stored).tobytes()
            if is_string:
                content = sizes.reshape(-1, width)[rows].astype("<i4").tobytes() + content
            return content

        return read
