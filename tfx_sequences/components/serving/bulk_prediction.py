"""Predictions of any number of records through Beam: in parallel, in order, in bounded memory.

Each worker reads a part of the records itself, predicts it batch by batch and writes it to a file of its own;
only counts go through Beam, so that no runner holds records. The parts are read one after another at the end.
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

PART_RECORDS = 20_000


@dataclasses.dataclass(frozen=True)
class Part:
    """Records one after another of one file.

    Attributes:
        number: Its place among all parts.
        file: The file.
        offset: The byte of its first record.
        first: The index of its first record.
        records: How many they are; None to the end of the file.
    """

    number: int
    file: str
    offset: int
    first: int
    records: int | None


@dataclasses.dataclass(frozen=True)
class Done:
    """A part that is predicted: where its lines are, how many, and what has no prediction."""

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
) -> Iterator[dict[str, Any]]:
    """Predicts records by Beam's workers, and gives the predictions in the order of the files.

    Args:
        model: See `find_model`.
        data: A TFRecord file, or a folder of them. A plain file is worked on in parts, a gzip file as one.
        folder: Where the parts are written, which all workers must see; it exists. They are gone at the end.
        beam_pipeline_args: Of Beam, the runner among them.
        failures: Counts the records that have no prediction, and are left out; None raises at the first.
        batch_size: Records per call of the model.
        part_records: Records per part.

    Returns:
        As `predict_files`.

    Raises:
        UserInputError: No such model, or no record files.
        DataError: A file, or without `failures` a record, cannot be read.
    """
    model_dir = find_model(model)
    spec = spec_of_card(read_card(model_dir), model_dir)
    parts: list[Part] = []
    for file in list_record_files(data):
        check_file(file, spec, skip_malformed=failures is not None)
        path = str(file.resolve())
        parts += [Part(len(parts) + n, path, *where) for n, where in enumerate(record_ranges(file, part_records))]
    pattern = os.path.join(os.path.abspath(folder), f"part-{uuid.uuid4().hex}")
    predict = PredictPart(str(model_dir.resolve()), pattern, batch_size, failures is None)
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
    """Predicts a part and writes it as JSON lines; a part that is tried again is written anew.

    Args:
        model_dir: The SavedModel.
        pattern: What the names of the files begin with.
        batch_size: Records per call of the model.
        strict: A record without a prediction is an error.
    """

    def __init__(self, model_dir: str, pattern: str, batch_size: int, strict: bool) -> None:
        self._model_dir = model_dir
        self._pattern = pattern
        self._batch_size = batch_size
        self._strict = strict

    def setup(self) -> None:
        """Loads the model, once for each worker."""
        self._model = load_model(self._model_dir)

    def process(self, part: Part) -> Iterator[Done]:
        """One part."""
        failures = Failures()
        # Another try, or a twin of this one, writes another file; whose `Done` arrives counts.
        path = f"{self._pattern}-{part.number}-{uuid.uuid4().hex}"
        predicted = 0
        with open(path, "w", encoding="utf-8") as file:
            for start, batch in self._batches(part):
                on_failure = None if self._strict else failures
                for row in predict_batch(self._model, batch, path_of(part.file), start, on_failure):
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    predicted += 1
        named = tuple((f.place, f.reason) for f in failures.first[:MOST_NAMED])
        yield Done(part.number, path, predicted, failures.count, named)

    def _batches(self, part: Part) -> Iterator[tuple[int, Any]]:
        import tensorflow as tf

        batch: list[bytes] = []
        start, left = part.first, part.records
        for record in read_records(part.file, part.offset, part.first):
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
