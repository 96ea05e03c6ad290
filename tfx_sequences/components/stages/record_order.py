"""Reads and writes records in the order of their files, if the Beam engine keeps an order.

Two things in the stock ExampleGen change the order of the records from run to run, and with it the training batches.
It reads files in the order in which the file system lists them. And it writes through Beam's `Reshuffle`, which draws a
random 32-bit key for each record and groups by it: in 100 000 records, one pair shares a key and one of the two moves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx import types
from tfx.components.example_gen import write_split
from tfx.types import artifact_utils

from tfx_sequences.components.records.files import may_hold_records
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.records.well_formed import canonical, fault_of_bytes
from tfx_sequences.errors import DataError


def keeps_order(pipeline: beam.Pipeline) -> bool:
    """Whether the pipeline's engine processes elements in the order in which they arrive. Beam's own engine does, in
    one process with one worker. Other engines spread the elements over workers that do not wait for each other.
    """
    workers = pipeline.options.view_as(DirectOptions).direct_num_workers
    return isinstance(pipeline.runner, FnApiRunner) and workers == 1


class ReadInOrder(beam.PTransform):
    """The serialized records of all files that match a pattern: file by file, in the order of their names.

    Files that hold no records are left out, as the check of the records leaves them out.

    Args:
        pattern: The pattern, in Beam's syntax.
        items_key: See `as_sequence_example`.

    Raises:
        DataError: No file matches.
    """

    def __init__(self, pattern: str, items_key: str = "") -> None:
        super().__init__()
        self._pattern = pattern
        self._items_key = items_key

    def expand(self, begin: Any) -> beam.PCollection:
        [matched] = FileSystems.match([self._pattern])
        files = sorted(f.path for f in matched.metadata_list if may_hold_records(path_of(f.path)))
        if not files:
            raise DataError(
                "No file matches the pattern of a split.",
                expected="at least one TFRecord file",
                received=self._pattern,
                fix="Check the data folder, and `splits` in the spec.",
            )
        names = begin | "Files" >> beam.Create(files, reshuffle=not keeps_order(begin.pipeline))
        return names | "Read" >> beam.FlatMap(_records, self._items_key).with_output_types(bytes)


class WriteInOrder(beam.PTransform):
    """Writes messages in order, to the place and in the format of ExampleGen's splits; for engines that keep an order.

    Serialized messages are written as they are.

    Args:
        folder: The folder of the split.
    """

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def expand(self, records: beam.PCollection) -> beam.PCollection:
        path = os.path.join(self._folder, write_split.DEFAULT_FILE_NAME)
        serialized = records | "Serialize" >> beam.Map(_serialized).with_output_types(bytes)
        return serialized | "Write" >> beam.io.WriteToTFRecord(path, file_name_suffix=".gz")


def split_outputs(
    pipeline: beam.Pipeline, splits: dict[str, beam.PCollection], examples: types.Artifact
) -> dict[str, beam.PCollection]:
    """The splits for the stock executor to write; empty if they are written in order here instead.

    Args:
        pipeline: The pipeline.
        splits: The records of each split.
        examples: The artifact; its folder gets the records.
    """
    if not keeps_order(pipeline):
        return splits
    for name, records in splits.items():
        folder = artifact_utils.get_split_uri([examples], name)
        _ = records | f"WriteInOrder[{name}]" >> WriteInOrder(folder)
    return {}


def _records(file: str, items_key: str) -> Iterator[bytes]:
    for index, record in enumerate(record_dataset(file, items_key).as_numpy_iterator()):
        fault = None if canonical([record])[0] else fault_of_bytes(record)
        if fault is not None:
            raise fault.error(path_of(file), index, None)
        yield record


def _serialized(message: Any) -> bytes:
    # Equal messages give equal bytes.
    return message if isinstance(message, bytes) else message.SerializeToString(deterministic=True)
