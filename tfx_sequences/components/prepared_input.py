"""Reads a prepared store: shuffled, padded batches at about the speed of reading the bytes.

The plan of an epoch says which rows make which batch (`prepared_plan.py`). For each of its windows
the parts' columns are read straight into arrays, and a batch is one `tf.gather` per feature
from them: no record is parsed and nothing is padded by copying twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import tensorflow as tf

from tfx_sequences.components.input_counts import InputCounts
from tfx_sequences.components.prepared_format import (
    LENGTHS,
    StoredColumn,
    StoreIdentity,
    read_header,
)
from tfx_sequences.components.prepared_plan import BatchLimits, Window, plan_epoch
from tfx_sequences.components.preprocessing import EXAMPLE_WEIGHT, LABEL, RECORD_ID, SEQUENCE_LENGTH
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.raw_features import SEQUENCE_PREFIX
from tfx_sequences.schemas.spec import Padding, SequenceSpec

# TensorFlow takes an array as it is, without a copy, if it begins at a multiple of this.
_ALIGNMENT = 64


@dataclasses.dataclass(frozen=True)
class Worker:
    """One of several workers that share each epoch.

    Attributes:
        index: Which one, from 0.
        count: How many there are.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise UserInputError(
                "No such worker.",
                expected=f"an index in [0, {self.count - 1}]",
                received=f"worker {self.index} of {self.count}",
                fix="Count workers from 0.",
            )


class PreparedStore:
    """A prepared store, opened for reading.

    Args:
        folder: What `write_prepared_store` wrote.
        spec: The spec.
        identity: What the store must have been made of.

    Raises:
        DataError: There is no store, or it is damaged.
        UserInputError: It is stale.
    """

    def __init__(self, folder: str | Path, spec: SequenceSpec, identity: StoreIdentity) -> None:
        self._folder = Path(folder)
        self._spec = spec
        self.header = read_header(self._folder, identity)
        lengths = self._read_lengths()
        ends = np.cumsum([part.records for part in self.header.parts])
        self._lengths = np.split(lengths, ends)[:-1]
        self._limits = BatchLimits.of(spec.batching)

    @property
    def lengths(self) -> np.ndarray:
        """Steps of all records, int32 `[N]`."""
        return np.concatenate(self._lengths)

    def dataset(
        self,
        *,
        training: bool = True,
        epoch: int = 0,
        step: int = 0,
        worker: Worker = Worker(),
        with_id: bool = False,
    ) -> tf.data.Dataset:
        """The batches `(inputs, label, weight)` of one epoch, as `make_dataset` gives them.

        Every record comes exactly once, over all workers together, but for those that
        `drop_shorter_than` and `drop_longer_than` leave out in training; see `counts`. All
        workers get the same number of batches.

        Args:
            training: Draw the batches anew for each epoch, by `spec.training.seed`.
            epoch: Number of the epoch.
            step: Leave out so many batches: what a run that is resumed has had already. They are not read.
            worker: Which worker's batches.
            with_id: Give the inputs the records' `id` `[B]` too, if the spec has an `id_key`.

        Returns:
            Inputs as of `pad_features`; label `[B]` int64 or float32; weight `[B]` float32.
        """
        columns = self.header.columns
        signature = {
            "values": {c.name: tf.TensorSpec([None, *c.shape], self._held(c)) for c in columns},
            "lengths": tf.TensorSpec([None], tf.int64),
            "index": tf.TensorSpec([None], tf.int32),
            "left_index": tf.TensorSpec([None], tf.int32),
            "batches": tf.TensorSpec([None, 5], tf.int64),
        }
        plan = self._plan(training, epoch, worker.count)

        def windows() -> Iterator[dict[str, Any]]:
            seen = 0
            for window in plan():
                numbers = np.arange(seen, seen + len(window.ends))
                seen += len(window.ends)
                own = (numbers % worker.count == worker.index) & (numbers // worker.count >= step)
                if own.any():
                    yield self._assemble(window, own, training, epoch)

        def batch(bounds: tf.Tensor, window: dict[str, Any]) -> Any:
            rows = slice(bounds[0], bounds[1])
            steps = {s: tf.reshape(window[s][bounds[2] : bounds[3]], [-1, bounds[4]]) for s in self._indexes}
            features = {}
            for column in columns:
                values = window["values"][column.name]
                chosen = values[rows] if column.kind == "context" else tf.gather(values, steps[self._index(column)])
                features[column.name] = tf.cast(chosen, column.dtype) if chosen.dtype != column.dtype else chosen
            inputs = {name: features[name] for name in self._spec.columns}
            inputs[SEQUENCE_LENGTH] = window["lengths"][rows]
            if with_id and self._spec.id_key:
                inputs[RECORD_ID] = features[RECORD_ID]
            label = features[LABEL]
            weight = features[EXAMPLE_WEIGHT] if self._spec.example_weight else tf.ones(tf.shape(label), tf.float32)
            return inputs, label, weight

        def batches(window: dict[str, Any]) -> tf.data.Dataset:
            bounds = tf.data.Dataset.from_tensor_slices(window["batches"])
            return bounds.map(lambda b: batch(b, window), num_parallel_calls=tf.data.AUTOTUNE)

        read = tf.data.Dataset.from_generator(windows, output_signature=signature).prefetch(1)
        return read.flat_map(batches).prefetch(tf.data.AUTOTUNE)

    def counts(self, *, training: bool = True, epoch: int = 0, workers: int = 1) -> InputCounts:
        """What an epoch batches, cuts and leaves out, of all workers together; nothing is read for it."""
        counts = InputCounts(epoch)
        batching = self._spec.batching
        for part, kept in zip(self._lengths, self._kept(training), strict=True):
            short = int((part < batching.drop_shorter_than).sum()) if training else 0
            counts.note("too_short", short, [])
            counts.note("too_long", len(part) - len(kept) - short, [])
            if batching.max_length is not None:
                counts.note("truncated", int((part[kept] > batching.max_length).sum()), [])
        lengths = self._batched(training)
        for window in self._plan(training, epoch, workers)():
            own = np.concatenate([lengths[part] for part in window.parts])[window.rows]
            counts.records += len(own)
            counts.batches += len(window.ends)
            counts.real_steps += int(own.sum())
            for batch in np.split(own, window.ends)[:-1]:
                counts.padded_steps += len(batch) * max(1, int(batch.max()))
        return counts

    def _plan(self, training: bool, epoch: int, workers: int) -> Callable[[], Iterator[Window]]:
        seed = self._spec.training.seed if training else None
        lengths = self._batched(training)
        return lambda: plan_epoch(lengths, self._limits, seed=seed, epoch=epoch, workers=workers)

    def _kept(self, training: bool) -> list[np.ndarray]:
        """Rows of each part that become batches."""
        batching = self._spec.batching
        if not training:
            return [np.arange(len(part)) for part in self._lengths]
        longest = np.inf if batching.drop_longer_than is None else batching.drop_longer_than
        return [np.flatnonzero((part >= batching.drop_shorter_than) & (part <= longest)) for part in self._lengths]

    def _batched(self, training: bool) -> list[np.ndarray]:
        """Their lengths there."""
        most = self._spec.batching.max_length
        kept = [part[rows] for part, rows in zip(self._lengths, self._kept(training), strict=True)]
        return kept if most is None else [np.minimum(part, most) for part in kept]

    def _assemble(self, window: Window, own: np.ndarray, training: bool, epoch: int) -> dict[str, Any]:
        """What `dataset` makes batches of: values, and for each batch where its rows and its steps are in them."""
        values = self._read(window)
        whole = np.concatenate([self._lengths[part] for part in window.parts])
        origins = np.cumsum([0, *(len(self._lengths[part]) for part in window.parts)])
        kept = self._kept(training)
        rows = np.concatenate([kept[part] + origin for part, origin in zip(window.parts, origins, strict=False)])
        rows = rows[window.rows]
        starts = (1 + np.cumsum(whole) - whole)[rows]  # row 0 of the values is padding
        lengths = whole[rows]
        most = self._spec.batching.max_length
        if most is not None:
            spare = np.maximum(lengths - most, 0)
            starts += self._cut(spare, training, (epoch, int(window.parts[0])))
            lengths = lengths - spare
        for column in self.header.columns:
            if column.kind == "context":
                values[column.name] = values[column.name][rows]
        starts = starts.astype(np.int32)
        index: dict[str, list[np.ndarray]] = {side: [np.zeros(0, np.int32)] for side in ("index", "left_index")}
        bounds, end = [], 0
        for first, last in np.stack([np.append(0, window.ends)[:-1], window.ends], axis=1)[own].tolist():
            length = lengths[first:last, None]
            position = np.arange(max(1, int(length.max())), dtype=np.int32)
            steps = starts[first:last, None] + position
            steps *= position < length
            if "left_index" in self._indexes:
                shift = (len(position) - length).astype(np.int32)
                index["left_index"].append(((steps[:, :1] + position - shift) * (position >= shift)).reshape(-1))
            index["index"].append(steps.reshape(-1))
            bounds.append((first, last, end, end + steps.size, len(position)))
            end += steps.size
        return {
            "values": values,
            "lengths": lengths.astype(np.int64),
            **{side: np.concatenate(steps) for side, steps in index.items()},
            "batches": np.array(bounds, np.int64),
        }

    def _cut(self, spare: np.ndarray, training: bool, drawn_by: tuple[int, int]) -> np.ndarray:
        """Steps to leave out in front, of the `spare` ones of each row."""
        how = self._spec.batching.truncate
        if how == "head":
            return spare
        if how == "random" and training:
            return np.random.default_rng([self._spec.training.seed, *drawn_by]).integers(0, spare, endpoint=True)
        return np.zeros_like(spare)

    def _padding(self, column: StoredColumn) -> Padding:
        declared = self._spec.batching.padding
        return declared.get(column.name.removeprefix(SEQUENCE_PREFIX), Padding())

    def _index(self, column: StoredColumn) -> str:
        return "left_index" if self._padding(column).side == "left" else "index"

    @property
    def _indexes(self) -> list[str]:
        return sorted({self._index(c) for c in self.header.columns if c.kind == "sequence"})

    def _held(self, column: StoredColumn) -> str:
        """The type in memory: the stored one, unless that cannot hold the padding."""
        value = self._padding(column).value
        if column.kind == "context" or not column.stored.startswith(("int", "uint")):
            return column.stored
        limits = np.iinfo(column.stored)
        return column.stored if limits.min <= value <= limits.max else column.dtype

    def _read(self, window: Window) -> dict[str, np.ndarray]:
        """The window's columns; of a sequence feature, padding first and then the steps of all rows."""
        parts = [self.header.parts[index] for index in window.parts]
        columns = self.header.columns
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
                        raise self._damaged(part.name, "the file is too short")
                    crc = google_crc32c.extend(crc, target)
            if crc != part.crc32c:
                raise self._damaged(part.name, "the checksum does not fit")
        strings = {c.name: np.concatenate(values[c.name]) for c in columns if c.dtype == "string"}
        for column in columns:
            if column.kind == "sequence":
                values[column.name] = values[column.name].astype(self._held(column), copy=False)
                values[column.name][0] = self._padding(column).value
        return {**values, **strings}

    def _read_lengths(self) -> np.ndarray:
        try:
            lengths = np.load(self._folder / LENGTHS)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(LENGTHS, str(error)) from None
        if google_crc32c.value(lengths.tobytes()) != self.header.lengths_crc32c:
            raise self._damaged(LENGTHS, "the checksum does not fit")
        return lengths

    def _damaged(self, name: str, received: str) -> DataError:
        return DataError(
            f"{self._folder / name} is damaged.",
            expected="the file as it was written",
            received=received,
            fix="Remove the store and write it anew.",
        )


def _aligned(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An array that TensorFlow can use in place."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    offset = -buffer.ctypes.data % _ALIGNMENT
    return buffer[offset : offset + size].view(np.dtype(dtype).newbyteorder("<")).reshape(shape)


def _strings(content: bytes, records: int, column: StoredColumn) -> np.ndarray:
    """`[records, *shape]` of bytes."""
    count = records * int(np.prod(column.shape, dtype=np.int64))
    ends = 4 * count + np.cumsum(np.frombuffer(content, "<i4", count))
    starts = np.append(4 * count, ends)[:-1]
    values = np.empty(count, object)
    values[:] = [content[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return values.reshape(records, *column.shape)
