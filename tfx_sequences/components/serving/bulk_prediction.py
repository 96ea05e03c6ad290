"""Predicts any number of records with Beam: in parallel, in order, in bounded memory.

Each worker reads a part of the records itself, predicts it batch by batch and writes the predictions to a separate
file. Only counts go through Beam, so no runner holds records. At the end the parts are read one after another.
"""

from __future__ import annotations

import dataclasses
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from tfx_sequences.components.records.framing import read_records, record_ranges
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.model_card import find_model, read_card, spec_of_card
from tfx_sequences.components.serving.prediction import check_file, list_record_files
from tfx_sequences.components.serving.predictor import MOST_NAMED, Failure, Failures, predict_batch
from tfx_sequences.schemas.features.raw_features import key_of_items

PART_RECORDS = 20_000


@dataclasses.dataclass(frozen=True)
class Part:
    """A range of consecutive records in one file.

    Attributes:
        number: Its position among all parts.
        file: The file.
        offset: Byte offset of its first record.
        first: Index of its first record in the file.
        records: Number of records; None for all up to the end of the file.
    """

    number: int
    file: str
    offset: int
    first: int
    records: int | None


@dataclasses.dataclass(frozen=True)
class Done:
    """A predicted part: the file with its predictions, their number, and the records without a prediction."""

    number: int
    path: str
    predicted: int
    failed: int
    first_failures: tuple[tuple[str, str], ...]


def predict_through_beam(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    folder: str | Path,
    beam_pipeline_args: Sequence[str],
    *,
    failures: Failures | None = None,
    batch_size: int = 256,
    part_records: int = PART_RECORDS,
    top_k: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts records on Beam's workers, and yields the predictions in the order of the files.

    Args:
        model: See `find_model`.
        data: A TFRecord file, or a folder of them. An uncompressed file is split into parts; a gzip file is one part.
        folder: Existing folder for temporary files, visible to all workers. The files are deleted at the end.
        beam_pipeline_args: Beam's options, including the runner.
        failures: Counts and skips the records that cannot be predicted; None raises at the first.
        batch_size: Records per call of the model.
        part_records: Records per part.
        top_k: As in `predict_files`.

    Returns:
        The same rows as `predict_files`.

    Raises:
        UserInputError: The model or the record files do not exist.
        DataError: A file cannot be read; or a record cannot be predicted, if `failures` is None.
    """
    model_dir = find_model(model)
    spec = spec_of_card(read_card(model_dir), model_dir)
    parts: list[Part] = []
    for file in list_record_files(data):
        check_file(file, spec, skip_malformed=failures is not None)
        path = str(file.resolve())
        parts += [Part(len(parts) + n, path, *where) for n, where in enumerate(record_ranges(file, part_records))]
    pattern = os.path.join(os.path.abspath(folder), f"part-{uuid.uuid4().hex}")
    predict = PredictPart(str(model_dir.resolve()), pattern, batch_size, failures is None, top_k)
    try:
        with beam.Pipeline(options=PipelineOptions(list(beam_pipeline_args))) as pipeline:
            _ = (
                pipeline
                | "Parts" >> beam.Create(parts)
                | "Spread" >> beam.Reshuffle()
                | "Predict" >> beam.ParDo(predict)
                | "ToOne" >> beam.combiners.ToList()
                | "Tell" >> beam.Map(_write_summary, pattern)
            )
        done = sorted((Done(*fields) for fields in json.loads(Path(f"{pattern}.done").read_text())), key=_number)
        if failures is not None:
            for part in done:
                failures.add([Failure(*its) for its in part.first_failures], part.failed)
        for part in done:
            with open(part.path, encoding="utf-8") as lines:
                yield from map(json.loads, lines)
            os.unlink(part.path)
    finally:
        for left in Path(pattern).parent.glob(f"{Path(pattern).name}*"):
            left.unlink()


@beam.typehints.with_input_types(Part)
@beam.typehints.with_output_types(Done)
class PredictPart(beam.DoFn):
    """Predicts a part and writes JSON lines; each attempt at a part writes a new file.

    Args:
        model_dir: The SavedModel.
        pattern: Prefix of the file names.
        batch_size: Records per call of the model.
        strict: Whether a record without a prediction is an error.
        top_k: As in `predict_files`.
    """

    def __init__(self, model_dir: str, pattern: str, batch_size: int, strict: bool, top_k: int | None = None) -> None:
        self._model_dir = model_dir
        self._pattern = pattern
        self._batch_size = batch_size
        self._strict = strict
        self._top_k = top_k

    def setup(self) -> None:
        """Loads the model, once per worker."""
        self._model = load_model(self._model_dir)

    def process(self, part: Part) -> Iterator[Done]:
        """Predicts one part."""
        failures = Failures()
        # Another attempt, also a concurrent one, writes another file; the one whose `Done` arrives counts.
        path = f"{self._pattern}-{part.number}-{uuid.uuid4().hex}"
        predicted = 0
        with open(path, "w", encoding="utf-8") as file:
            for start, batch in self._batches(part):
                on_failure = None if self._strict else failures
                for row in predict_batch(self._model, batch, path_of(part.file), start, on_failure, self._top_k):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    predicted += 1
        named = tuple((f.place, f.reason) for f in failures.first[:MOST_NAMED])
        yield Done(part.number, path, predicted, failures.count, named)

    def _batches(self, part: Part) -> Iterator[tuple[int, Any]]:
        import tensorflow as tf

        batch: list[bytes] = []
        start, left = part.first, part.records
        for record in read_records(part.file, part.offset, part.first, key_of_items(self._model.spec)):
            batch.append(record)
            left = None if left is None else left - 1
            if len(batch) == self._batch_size or left == 0:
                yield start, tf.constant(batch, tf.string)
                start, batch = start + len(batch), []
            if left == 0:
                return
        if batch:
            yield start, tf.constant(batch, tf.string)


def _number(done: Done) -> int:
    return done.number


def _write_summary(done: list[Done], pattern: str) -> None:
    Path(f"{pattern}.done").write_text(json.dumps([dataclasses.astuple(d) for d in done]))
