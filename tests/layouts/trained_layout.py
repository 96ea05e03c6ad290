"""Trains a spec on records in the process of the test, and exports the model: each part is the one that a run uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow_transform as tft

from tests.layouts.public_formats import Records
from tests.records import write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.numbers.chosen import normalizers_of
from tfx_sequences.components.records.data_check import DataReport, check_data
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.loaded_model import LoadedModel, load_model
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def analyze(spec: SequenceSpec, serialized: list[bytes], folder: Path) -> tft.TFTransformOutput:
    """The transform graph of records, by TFX's reader and our schema, as the Transform component makes it."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tfx_bsl.public import tfxio

    from tfx_sequences.components.transform.preprocessing import transform_inputs
    from tfx_sequences.schemas.features.tfmd import make_schema

    kinds = {"SequenceExample": tfxio.TFSequenceExampleBeamRecord, "Example": tfxio.TFExampleBeamRecord}
    source = kinds[spec.payload](physical_format="memory", telemetry_descriptors=["tests"], schema=make_schema(spec))
    with beam.Pipeline(runner="FnApiRunner") as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        batches = pipeline | beam.Create(serialized) | source.BeamSource()
        graph = (batches, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(lambda x: transform_inputs(x, spec))
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    return tft.TFTransformOutput(str(folder / "graph"))


def train_layout(spec: SequenceSpec, records: Records, folder: Path) -> tuple[LoadedModel, DataReport, Path]:
    """The model of a spec, exported and loaded again.

    Returns:
        The model, what the check of the data says, and the file of the test split.
    """
    from tensorflow_transform.saved import saved_transform_io_v2

    files = {split: write_records(folder / "data" / f"{split}.tfrecord", records[split]) for split in records}
    checked = check_data(spec, folder / "data")
    read_as = [record.numpy() for record in record_dataset(str(files["train"]))]
    # A pipeline trains on what ingestion has read, not on the files of the user.
    train_file = str(write_records(folder / "ingested" / "train.tfrecord", read_as))
    output = analyze(spec, read_as, folder)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    statistics = task_statistics(spec, output, None)
    read = network_spec(spec, normalizers_of(statistics.normalizers))
    form = raw_records(spec, loader.apply_transform_model, read_as=read)
    plan = make_plan(read_histogram(output), spec.batching)
    train, valid = (SequenceInput([train_file], read, form, plan, training=training) for training in (True, False))
    statistics = task_statistics(spec, output, train)
    keras.utils.set_random_seed(0)
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, train.steps_per_epoch)
    fit(model, spec, train, valid.dataset.cache())
    portable = build_model(spec, statistics, use_cudnn=False)
    portable.set_weights(model.get_weights())
    version = folder / "model" / "1"
    export(RawRecordModel(portable, output.transform_savedmodel_dir, spec, statistics), str(version), spec, statistics)
    return load_model(version), checked, files["test"]


def predicted(model: Any, file: Path, tmp_path: Path) -> list[dict[str, Any]]:
    """The rows that `tfx-sequences predict` writes for a file of records."""
    from tfx_sequences.pipeline.commands.cli import main

    rows = tmp_path / "rows.jsonl"
    assert main(["predict", str(model.folder), str(file), "--output", str(rows)]) == 0
    return [json.loads(line) for line in rows.read_text("utf-8").splitlines()]
