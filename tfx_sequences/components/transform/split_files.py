"""The files of each split without TFX: those of the data folder, or files of the records that belong to a split."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from tfx_sequences.components.records.hold_back import HoldBack
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.schemas.features.raw_features import key_of_items
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def raw_split_files(
    spec: SequenceSpec, files: Mapping[str, Sequence[str]], folder: str
) -> tuple[dict[str, list[str]], HoldBack]:
    """Files of the records of `train`, `valid` and `test`, of the spec's payload, and how `train` was divided.

    The records of a split without files are taken from `train`, the same ones as in a pipeline.

    Args:
        spec: The spec.
        files: The files in the data folder by split, for the splits that have any.
        folder: An existing folder for records that are taken from `train`, or that must be converted.
    """
    held_back = HoldBack.of_spec(spec, files)
    if not held_back and spec.record != "ELWC":
        return {name: list(paths) for name, paths in files.items()}, held_back
    found: dict[str, list[str]] = {}
    for name, paths in files.items():
        if name == "train" and held_back:
            found |= _divided(spec, paths, held_back, folder)
        elif spec.record == "ELWC":
            found[name] = [_path(folder, name)]
            with tf.io.TFRecordWriter(_path(folder, name)) as writer:
                for record in _records(spec, paths):
                    writer.write(record)
        else:
            found[name] = list(paths)
    return found, held_back


def _divided(spec: SequenceSpec, files: Sequence[str], held_back: HoldBack, folder: str) -> dict[str, list[str]]:
    kind = tf.train.Example if spec.payload == "Example" else tf.train.SequenceExample
    paths = [_path(folder, name) for name in held_back.names]
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(path)) for path in paths]
        for record in _records(spec, files):
            writers[held_back.index(kind.FromString(record))].write(record)
    return {name: [path] for name, path in zip(held_back.names, paths, strict=True)}


def _records(spec: SequenceSpec, files: Sequence[str]) -> Iterator[bytes]:
    for file in files:
        yield from record_dataset(file, key_of_items(spec)).as_numpy_iterator()


def _path(folder: str, split: str) -> str:
    return os.path.join(folder, f"{split}-00000-of-00001.tfrecord")
