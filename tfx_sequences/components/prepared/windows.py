"""Reads a window of a prepared store: its columns, and the positions of each batch's rows and steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from tfx_sequences.components.prepared.byte_columns import column_of, encoded_columns
from tfx_sequences.components.prepared.format import StoredColumn, StoreHeader, damaged
from tfx_sequences.components.prepared.plan import Window
from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX
from tfx_sequences.schemas.spec.batching import Padding
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# TensorFlow uses an array without a copy if it starts at a multiple of this.
_ALIGNMENT = 64


class WindowReader:
    """Reads windows of a store.

    Args:
        folder: The store's folder.
        header: The store's header.
        lengths: Steps of the records of each part.
        spec: The spec, which determines how sequences are truncated and padded.
    """

    def __init__(self, folder: Path, header: StoreHeader, lengths: list[np.ndarray], spec: SequenceSpec) -> None:
        self._folder = folder
        self._header = header
        self._lengths = lengths
        self._batching = spec.batching
        self._seed = spec.training.seed
        self._encoded = encoded_columns(spec)
        sequences = [c for c in header.columns if c.kind == "sequence"]
        self.indexes = sorted({self.index_of(c) for c in sequences})
        """The indexes of `read` that the columns need."""

    def index_of(self, column: StoredColumn) -> str:
        """The index for gathering a sequence column's steps, which depends on its padding side."""
        return f"{self._padding(column).side}_padded"

    def held(self, column: StoredColumn) -> str:
        """The column's type in memory: the stored one, unless that cannot hold the padding."""
        value = self._padding(column).value
        if column.kind == "context" or not column.stored.startswith(("int", "uint")):
            return column.stored
        limits = np.iinfo(column.stored)
        return column.stored if limits.min <= value <= limits.max else column.dtype

    def read(
        self, window: Window, kept: list[np.ndarray], own: np.ndarray, cut_by: tuple[int, ...] | None
    ) -> dict[str, Any]:
        """Everything that a window's batches are made from.

        Args:
            window: The window, from a plan for the kept rows.
            kept: Rows of each part that become part of batches.
            own: `[b]` bool, the window's batches to return.
            cut_by: Seeds of random truncation, in addition to the spec's seed; None truncates the tail instead.

        Returns:
            `values`: context columns `[n, *shape]` in the order of the window's rows; sequence columns
            `[1 + S, *shape]`, padding first. `lengths` `[n]`. `batches` `[b, 5]` int64: first and last
            row, first and last entry in the indexes, and steps `T` of each batch. The indexes `[s]`
            int32, concatenated flat `[B, T]`: the position of each step in the sequence columns.
        """
        values = self._read(window)
        whole = np.concatenate([self._lengths[part] for part in window.parts])
        origins = np.cumsum([0, *(len(self._lengths[part]) for part in window.parts)])
        rows = np.concatenate([kept[part] + origin for part, origin in zip(window.parts, origins, strict=False)])
        rows = rows[window.rows]
        starts = (1 + np.cumsum(whole) - whole)[rows]  # row 0 of the values is padding
        lengths = whole[rows]
        most = self._batching.max_length
        if most is not None:
            spare = np.maximum(lengths - most, 0)
            starts += self._cut(spare, None if cut_by is None else (*cut_by, int(window.parts[0])))
            lengths = lengths - spare
        for column in self._header.columns:
            if column.kind == "context":
                values[column.name] = values[column.name][rows]
        starts = starts.astype(np.int32)
        index: dict[str, list[np.ndarray]] = {side: [np.zeros(0, np.int32)] for side in self.indexes}
        bounds, end = [], 0
        for first, last in np.stack([np.append(0, window.ends)[:-1], window.ends], axis=1)[own].tolist():
            length = lengths[first:last, None]
            position = np.arange(max(1, int(length.max())), dtype=np.int32)
            for side, steps in index.items():
                within = position if side == "right_padded" else position - (len(position) - length)
                real = (within >= 0) & (within < length)
                steps.append(((starts[first:last, None] + within) * real).astype(np.int32, copy=False).reshape(-1))
            size = (last - first) * len(position)
            bounds.append((first, last, end, end + size, len(position)))
            end += size
        return {
            "values": values,
            "lengths": lengths.astype(np.int64),
            **{side: np.concatenate(steps) for side, steps in index.items()},
            "batches": np.array(bounds, np.int64),
        }

    def _cut(self, spare: np.ndarray, drawn_by: tuple[int, ...] | None) -> np.ndarray:
        """Steps to remove at the start of each row, out of its `spare` ones."""
        how = self._batching.truncate
        if how == "head":
            return spare
        if how == "random" and drawn_by is not None:
            return np.random.default_rng([self._seed, *drawn_by]).integers(0, spare, endpoint=True)
        return np.zeros_like(spare)

    def _padding(self, column: StoredColumn) -> Padding:
        of_feature = column_of(column.name, self._encoded)
        if of_feature is not None:
            # What is padded is known by what is present; its value is that of the numbers, not of the bytes.
            declared = self._batching.padding.get(of_feature.removeprefix(SEQUENCE_PREFIX), Padding())
            return Padding(side=declared.side)
        name = column.name.removeprefix(SEQUENCE_PREFIX)
        # A label is not a feature, even if a feature has the same name.
        return self._batching.padding.get(name, Padding()) if name != column.name else Padding()

    def _read(self, window: Window) -> dict[str, np.ndarray]:
        """The window's columns; for a sequence feature, padding first and then the steps of all rows."""
        parts = [self._header.parts[index] for index in window.parts]
        columns = self._header.columns
        values: dict[str, Any] = {}
        for column in columns:
            if column.dtype == "string":
                values[column.name] = []
                continue
            is_sequence = column.kind == "sequence"
            count = 1 + sum(p.steps for p in parts) if is_sequence else sum(p.records for p in parts)
            values[column.name] = _aligned((count, *column.shape), column.stored)
        filled = {c.name: int(c.kind == "sequence") for c in columns}
        for part in parts:
            crc = 0
            with (self._folder / part.name).open("rb") as file:
                for column, size in zip(columns, part.sizes, strict=True):
                    if column.dtype == "string":
                        content = file.read(size)
                        values[column.name].append(_strings(content, part.records, column))
                        crc = google_crc32c.extend(crc, content)
                        continue
                    start = filled[column.name]
                    filled[column.name] += part.steps if column.kind == "sequence" else part.records
                    target = values[column.name][start : filled[column.name]].reshape(-1).view(np.uint8)
                    if file.readinto(target.data) != size:
                        raise damaged(self._folder / part.name, "the file is too short")
                    crc = google_crc32c.extend(crc, target)
            if crc != part.crc32c:
                raise damaged(self._folder / part.name, "the checksum does not match")
        strings = {c.name: np.concatenate(values[c.name]) for c in columns if c.dtype == "string"}
        for column in columns:
            if column.kind == "sequence":
                values[column.name] = values[column.name].astype(self.held(column), copy=False)
                values[column.name][0] = self._padding(column).value
        return {**values, **strings}


def _aligned(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array that TensorFlow can use in place."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    offset = -buffer.ctypes.data % _ALIGNMENT
    return buffer[offset : offset + size].view(np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _strings(content: bytes, records: int, column: StoredColumn) -> np.ndarray:
    """The strings, `[records, *shape]` of bytes."""
    count = records * int(np.prod(column.shape, dtype=np.int64))
    ends = 4 * count + np.cumsum(np.frombuffer(content, "<i4", count))
    starts = np.append(4 * count, ends)[:-1]
    values = np.empty(count, object)
    values[:] = [content[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return values.reshape(records, *column.shape)
