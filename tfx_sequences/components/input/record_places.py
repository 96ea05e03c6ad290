"""Reads serialized records of TFRecord files by their place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.untuned import untuned
from tfx_sequences.components.records.opening import Compression, compression_of, record_dataset, stored_records
from tfx_sequences.components.records.places import short_place
from tfx_sequences.errors import DataError


def read_places(files: Sequence[str], places: np.ndarray) -> np.ndarray:
    """The records, bytes `[N]`, at `places` `[N, 2]`; each file is read once."""
    found: dict[tuple[int, int], bytes] = {}
    for file in np.unique(places[:, 0]):
        wanted = np.sort(places[places[:, 0] == file, 1])
        first = int(wanted[0])
        stretch = record_dataset(files[file]).skip(first).take(int(wanted[-1]) - first + 1).batch(4096)
        for number, serialized in enumerate(stretch):
            start = first + number * 4096
            inside = wanted[(wanted >= start) & (wanted < start + 4096)]
            values = serialized.numpy()
            if len(inside) and inside[-1] - start >= len(values):
                break
            for index in inside:
                found[int(file), int(index)] = values[index - start]
    if len(found) < len(places):
        raise DataError(
            "The files have fewer records than when the input's state was saved.",
            expected=f"{len(places)} records that were read but not yet batched",
            received=f"{len(found)} of them",
            fix="Resume with the files of the interrupted run, or start from the beginning.",
        )
    serialized_records = np.empty(len(places), object)
    serialized_records[:] = [found[int(file), int(index)] for file, index in places]
    return serialized_records


def record_blocks(path: str, first: int, size: int) -> tf.data.Dataset:
    """The records of one file from index `first` on, as strings `[size]`, the last block shorter; read ahead."""
    return _blocks_of(compression_of(path))(path, tf.constant(first, tf.int64), tf.constant(size, tf.int64))


@functools.cache
def _blocks_of(compression: Compression) -> Callable[..., tf.data.Dataset]:
    """A single function, because building each dataset op again from Python takes about a millisecond."""

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([], t) for t in (tf.string, tf.int64, tf.int64)])
    def blocks(path: tf.Tensor, first: tf.Tensor, size: tf.Tensor) -> tf.data.Dataset:
        return untuned(stored_records(path, compression).skip(first).batch(size).prefetch(1), rewritten=False)

    return blocks


def broken_file(path: str, index: int, error: Exception) -> DataError:
    """The error for a file that TensorFlow cannot read any further."""
    return DataError(
        f"{path} cannot be read past record {index}.",
        expected="complete TFRecords, uncompressed or compressed",
        received=f"TensorFlow's error: {str(error).splitlines()[0]}",
        fix="Write the file again; `tfx-sequences check` shows where it is corrupt.",
    )


def malformed_record(path: str, index: int, error: Exception) -> DataError:
    """The error for a record that is not well-formed, or cannot be parsed as the spec describes it."""
    return DataError(
        f"Record {short_place(path, index)} cannot be parsed.",
        expected="records that match the spec",
        received=f"TensorFlow's error: {str(error).splitlines()[0]}"
        if isinstance(error, tf.errors.OpError)
        else "a record that is not well-formed; `tfx-sequences check` shows why",
        fix="Write the record again, or set batching.on_error to 'skip' in the spec.",
    )
