"""Reads a prepared store: shuffled, padded batches without parsing records.

The plan of an epoch determines the rows of each batch (`plan.py`). For each of its windows, the parts'
columns are read directly into arrays, and a batch is one `tf.gather` per feature
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

from tfx_sequences.components.batches.byte_steps import numbers_of_stored
from tfx_sequences.components.batches.label_batches import targets_and_weights
from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.input.untuned import parallel_calls, untuned
from tfx_sequences.components.prepared.byte_columns import encoded_columns, present_name
from tfx_sequences.components.prepared.format import LENGTHS, StoreIdentity, damaged, read_header
from tfx_sequences.components.prepared.plan import BatchLimits, Window, plan_epoch
from tfx_sequences.components.prepared.windows import WindowReader
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX
from tfx_sequences.schemas.features.transformed_features import RECORD_ID
from tfx_sequences.schemas.spec.batching import Padding
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import digest_of

_PREFETCHED = 8


@dataclasses.dataclass(frozen=True)
class Worker:
    """One of several workers that share each epoch.

    Attributes:
        index: Index of this worker, counted from 0.
        count: Number of workers.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise UserInputError(
                "The worker does not exist.",
                expected=f"an index in [0, {self.count - 1}]",
                received=f"worker {self.index} of {self.count}",
                fix="Number the workers from 0.",
            )


class PreparedStore:
    """A prepared store, opened for reading.

    Args:
        folder: The folder that `write_prepared_store` wrote.
        spec: The spec.
        identity: What the store must have been made from.

    Raises:
        DataError: There is no store, or it is damaged.
        UserInputError: The store is stale.
    """

    def __init__(self, folder: str | Path, spec: SequenceSpec, identity: StoreIdentity) -> None:
        self._folder = Path(folder)
        self._spec = spec
        self.header = read_header(self._folder, identity)
        lengths = self._read_lengths()
        ends = np.cumsum([part.records for part in self.header.parts])
        self._lengths = np.split(lengths, ends)[:-1]
        self._limits = BatchLimits.of(spec.batching, lengths)
        self._windows = WindowReader(self._folder, self.header, self._lengths, spec)
        for part in self.header.parts:
            size = (self._folder / part.name).stat().st_size if (self._folder / part.name).is_file() else 0
            if size != sum(part.sizes):
                raise damaged(self._folder / part.name, f"{size} bytes instead of {sum(part.sizes)}")
        # Computed now, because counts may be needed when the store no longer exists.
        self._noted = {training: self._note(training) for training in (False, True)}

    @property
    def lengths(self) -> np.ndarray:
        """Steps of all records, int32 `[N]`."""
        return np.concatenate(self._lengths)

    @property
    def digest(self) -> str:
        """Digest of everything that the training batches depend on."""
        batching, seed = self._spec.batching.model_dump(mode="json"), self._spec.training.seed
        depends = [self.header.spec_fingerprint, self.header.lengths_crc32c, len(self._lengths), batching, seed]
        return digest_of(depends)[:32]

    def dataset(
        self,
        *,
        training: bool = True,
        epoch: int = 0,
        step: int = 0,
        worker: Worker = Worker(),
        with_id: bool = False,
    ) -> tf.data.Dataset:
        """The batches `(inputs, targets, weights)` of one epoch, as in `make_dataset`.

        Every record occurs exactly once, over all workers together, except those that
        `drop_shorter_than` and `drop_longer_than` drop in training; see `counts`. All
        workers get the same number of batches.

        Args:
            training: Draw new batches for each epoch, by `spec.training.seed`.
            epoch: Number of the epoch.
            step: Number of batches to skip, because a resumed run already had them. They are not read.
            worker: The worker whose batches to return.
            with_id: Add the records' `id` `[B]` to the inputs, if the spec has an `id_key`.

        Returns:
            Inputs as in `pad_features`; targets and weights as in `targets_and_weights`.
        """
        self._check_shares(training, epoch, worker)
        return self._dataset(lambda: (epoch, step), training, worker, with_id)

    def epochs(self, begin: Callable[[], tuple[int, int]], worker: Worker = Worker()) -> tf.data.Dataset:
        """The training batches; each pass over the dataset is another epoch.

        Args:
            begin: Called when a pass starts; returns its epoch, and the number of batches to skip.
            worker: The worker whose batches to return.

        Raises:
            UserInputError: There are too few records for this number of workers.
        """
        self._check_shares(True, 0, worker)
        return self._dataset(begin, True, worker, False)

    def _check_shares(self, training: bool, epoch: int, worker: Worker) -> None:
        """Raises errors of the plan here, not inside TensorFlow."""
        if worker.count > 1:
            for _ in self._plan(self._kept(training), training, epoch, worker.count)():
                pass

    def _dataset(
        self, begin: Callable[[], tuple[int, int]], training: bool, worker: Worker, with_id: bool
    ) -> tf.data.Dataset:
        columns = self.header.columns
        reader = self._windows
        signature = {
            "values": {c.name: tf.TensorSpec([None, *c.shape], reader.held(c)) for c in columns},
            "lengths": tf.TensorSpec([None], tf.int64),
            "batches": tf.TensorSpec([None, 5], tf.int64),
            **{name: tf.TensorSpec([None], tf.int32) for name in reader.indexes},
        }
        kept = self._kept(training)
        encoded = encoded_columns(self._spec)

        def windows() -> Iterator[dict[str, Any]]:
            epoch, step = begin()
            seen = 0
            for window in self._plan(kept, training, epoch, worker.count)():
                numbers = np.arange(seen, seen + len(window.ends))
                seen += len(window.ends)
                own = (numbers % worker.count == worker.index) & (numbers // worker.count >= step)
                if own.any():
                    yield reader.read(window, kept, own, (epoch,) if training else None)

        def batch(bounds: tf.Tensor, window: dict[str, Any]) -> Any:
            rows = slice(bounds[0], bounds[1])
            steps = {i: tf.reshape(window[i][bounds[2] : bounds[3]], [-1, bounds[4]]) for i in reader.indexes}
            features = {}
            for column in columns:
                values = window["values"][column.name]
                chosen = values[rows] if column.kind == "context" else tf.gather(values, steps[reader.index_of(column)])
                features[column.name] = tf.cast(chosen, column.dtype) if chosen.dtype != column.dtype else chosen
            for name, numeric in encoded.items():
                padding = self._spec.batching.padding.get(name.removeprefix(SEQUENCE_PREFIX), Padding())
                present = features[present_name(name)]
                features[name] = numbers_of_stored(features[name], present, numeric, padding, in_place=True)
            inputs = {name: features[name] for name in self._spec.columns}
            inputs[SEQUENCE_LENGTH] = window["lengths"][rows]
            if with_id and self._spec.id_key:
                inputs[RECORD_ID] = features[RECORD_ID]
            return inputs, *targets_and_weights({**features, SEQUENCE_LENGTH: inputs[SEQUENCE_LENGTH]}, self._spec)

        def batches(window: dict[str, Any]) -> tf.data.Dataset:
            # Repeating a window copies nothing; a map here would create the function again for each window.
            bounds = tf.data.Dataset.from_tensor_slices(window["batches"])
            return tf.data.Dataset.zip(bounds, tf.data.Dataset.from_tensors(window).repeat())

        read = tf.data.Dataset.from_generator(windows, output_signature=signature).prefetch(1)
        taken = read.flat_map(batches).map(batch, num_parallel_calls=parallel_calls(), deterministic=True)
        return untuned(taken.prefetch(_PREFETCHED))

    def batches(self, *, training: bool = True, epoch: int = 0, workers: int = 1) -> int:
        """Number of batches in an epoch, for all workers together; does not read any records."""
        return sum(len(window.ends) for window in self._plan(self._kept(training), training, epoch, workers)())

    def counts(self, *, training: bool = True, epoch: int = 0, workers: int = 1) -> InputCounts:
        """Counts of an epoch for all workers together (batched, truncated, dropped); does not read any records."""
        counts = InputCounts(epoch)
        kept = self._kept(training)
        for what, (count, names) in self._noted[training].items():
            counts.note(what, count, names)
        lengths = self._batched(kept)
        for window in self._plan(kept, training, epoch, workers)():
            own = np.concatenate([lengths[part] for part in window.parts])[window.rows]
            counts.records += len(own)
            counts.batches += len(window.ends)
            counts.real_steps += int(own.sum())
            for batch in np.split(own, window.ends)[:-1]:
                counts.padded_steps += len(batch) * max(1, int(batch.max()))
        return counts

    def _note(self, training: bool) -> dict[str, tuple[int, list[str]]]:
        """The number of records that every epoch drops or truncates, and the names of the first ones."""
        counts, batching = InputCounts(0), self._spec.batching
        for number, (part, rows) in enumerate(zip(self._lengths, self._kept(training), strict=True)):
            left_out = np.setdiff1d(np.arange(len(part)), rows)
            short = part[left_out] < batching.drop_shorter_than
            found = {"too_short": left_out[short], "too_long": left_out[~short]}
            if batching.max_length is not None:
                found["truncated"] = rows[part[rows] > batching.max_length]
            for what, which in found.items():
                counts.note(what, len(which), self._names(number, which[: counts.wanted_names(what)]))
        return {what: (noted.count, noted.first) for what, noted in counts.noted.items()}

    def _names(self, number: int, rows: np.ndarray) -> list[str]:
        """The ids of records of a part, or their positions in it."""
        part = self.header.parts[number]
        names = [column.name for column in self.header.columns]
        if not len(rows) or RECORD_ID not in names:
            return [f"{part.name}:{row}" for row in rows]
        before = names.index(RECORD_ID)
        content = np.memmap(self._folder / part.name, np.uint8, "r", sum(part.sizes[:before]), part.sizes[before])
        # A string column contains the sizes of all values, then the values.
        sizes = content[: 4 * part.records].view("<i4")
        ends = np.cumsum(sizes) + 4 * part.records
        ids = [content[ends[row] - sizes[row] : ends[row]].tobytes() for row in rows]
        return [record_id.decode("utf-8", "replace") for record_id in ids]

    def _plan(self, kept: list[np.ndarray], training: bool, epoch: int, workers: int) -> Callable[[], Iterator[Window]]:
        seed = self._spec.training.seed if training else None
        lengths = self._batched(kept)
        return lambda: plan_epoch(lengths, self._limits, seed=seed, epoch=epoch, workers=workers)

    def _kept(self, training: bool) -> list[np.ndarray]:
        """Rows of each part that become part of batches."""
        batching = self._spec.batching
        if not training:
            return [np.arange(len(part), dtype=np.int32) for part in self._lengths]
        longest = np.inf if batching.drop_longer_than is None else batching.drop_longer_than
        keep = [(part >= batching.drop_shorter_than) & (part <= longest) for part in self._lengths]
        return [np.flatnonzero(rows).astype(np.int32) for rows in keep]

    def _batched(self, kept: list[np.ndarray]) -> list[np.ndarray]:
        """Lengths of the kept rows, as batched."""
        most = self._spec.batching.max_length
        pairs = zip(self._lengths, kept, strict=True)
        lengths = [part if len(rows) == len(part) else part[rows] for part, rows in pairs]
        return lengths if most is None else [np.minimum(part, most) for part in lengths]

    def _read_lengths(self) -> np.ndarray:
        try:
            lengths = np.load(self._folder / LENGTHS)
        except (OSError, ValueError, EOFError) as error:
            raise damaged(self._folder / LENGTHS, str(error)) from None
        if google_crc32c.value(lengths.tobytes()) != self.header.lengths_crc32c:
            raise damaged(self._folder / LENGTHS, "the checksum does not match")
        return lengths
