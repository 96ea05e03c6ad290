"""Do trainer, Evaluator, exported model, HTTP endpoint and `predict` give the same answers to a whole test split?

    python benchmarks/equality.py OUT...

OUT is the output folder of a run. The answers of the exported model, called in batches of 256 of the raw records that
ExampleGen wrote for the test split, are what all others are compared with: the largest difference of a number is
printed, 0 where batches and kernels are the same ones. Of a number above 1 it is relative to that number, for
forecasts are in the units of their series.
"""

from __future__ import annotations

import argparse
import base64
import functools
import http.client
import json
import math
import sys
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from equality_trainer import newest, trainers_answers

from tfx_sequences.compat import quiet_environment

BATCH = 256
TOLERANCE = 1e-6
ONE_BY_ONE = "exported model, records one by one"
Row = dict[str, Any]


def compare(output: Path, tell: Callable[[str], None] = print) -> dict[str, float]:
    """Prints and gives the largest difference of each from the exported model's answers.

    Args:
        output: The output folder of a run.
        tell: Gets the lines of the table.
    """
    import tensorflow as tf

    from tfx_sequences.components.records.framing import read_records
    from tfx_sequences.components.serving.model_card import find_model, read_card, spec_of_card
    from tfx_sequences.components.serving.prediction import predict_files
    from tfx_sequences.components.serving.predictor import answers

    model = find_model(newest(output / "artifacts" / "SequenceTrainer" / "model") / "Format-Serving")
    spec = spec_of_card(read_card(model), model)
    split = newest(output / "artifacts" / "SequenceExampleGen" / "examples") / "Split-test"
    records = [record for file in sorted(split.iterdir()) for record in read_records(file)]
    signature = tf.saved_model.load(str(model)).signatures["serving_default"]

    def exported(size: int, of: list[bytes]) -> Iterator[Row]:
        for start in range(0, len(of), size):
            outputs = signature(examples=tf.constant(of[start : start + size], tf.string))
            yield from answers({name: value.numpy() for name, value in outputs.items()}, spec)

    expected = list(exported(BATCH, records))
    by_record = dict(zip(records, expected, strict=True))
    found: dict[str, float] = {}

    def told(name: str, of: list[Row], theirs: list[Row]) -> None:
        if len(of) != len(theirs):
            raise ValueError(f"{name} has {len(theirs)} answers to {len(of)} records")
        found[name] = max(map(difference, of, theirs), default=0.0)
        tell(f"{name:<48} {len(theirs):>7} records, largest difference {found[name]:g}")

    sample, outputs = _trainers(output)
    trainers = list(answers(outputs, spec))
    told("trainer, its batch", list(exported(len(sample), sample)), trainers)
    told("trainer, among batches of 256", [by_record[r] for r in sample], trainers)
    for name, fused in (
        ("trainer's network, Transform's records", False),
        ("the same with the kernels of training", True),
    ):
        batches = trainers_answers(output, model, records, spec, BATCH, fused=fused)
        told(name, expected, [row for batch in batches for row in answers(batch, spec)])
    told("Evaluator", expected, _evaluators(model, records, spec))
    told("exported model in a process with TensorFlow alone", expected, _in_fresh_process(model, records, spec))
    predicted = (_without_id(row) for row in predict_files(model, split))
    told("predict", expected, list(predicted))
    with tempfile.TemporaryDirectory() as folder:
        from tfx_sequences.components.serving.bulk_prediction import predict_through_beam
        from tfx_sequences.pipeline.local.run import beam_pipeline_args

        through_beam = predict_through_beam(model, split, folder, beam_pipeline_args([]))
        told("predict through Beam", expected, [_without_id(row) for row in through_beam])
    # One record by one: every other way of batching lies between that and the above.
    told(ONE_BY_ONE, expected[:BATCH], list(exported(1, records[:BATCH])))
    told("HTTP endpoint", expected, _over_http(model, records, spec))
    return found


def difference(one: Any, other: Any) -> float:
    """The largest difference of the numbers in two answers, relative to the first where that is above 1.

    Infinite where they differ in anything else.
    """
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((difference(its, other[name]) for name, its in one.items()), default=0.0)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max(map(difference, one, other), default=0.0)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) / max(1.0, abs(one))
    # A class may be another one where two are as likely but for the last digit; the scores tell that.
    return 0.0 if one == other else math.inf


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "id"}


def _trainers(output: Path) -> tuple[list[bytes], dict[str, np.ndarray]]:
    """The records that the trainer predicted itself, and its answers."""
    folder = newest(output / "artifacts" / "SequenceTrainer" / "model_run")
    stored = np.load(folder / "trainer_predictions.npz", allow_pickle=False)
    data, ends = stored["records"].tobytes(), np.cumsum(stored["record_lengths"])
    records = [data[end - length : end] for end, length in zip(ends, stored["record_lengths"], strict=True)]
    outputs = {name.removeprefix("output."): stored[name] for name in stored.files if name.startswith("output.")}
    return records, {
        n: np.char.encode(x, "utf-8").astype(object) if x.dtype.kind == "U" else x for n, x in outputs.items()
    }


def _evaluators(model: Path, records: list[bytes], spec: Any) -> list[Row]:
    """What TFMA's own extractor gives for the records, in the Evaluator's batches."""
    import apache_beam as beam
    import tensorflow_model_analysis as tfma
    from tfx_bsl.tfxio import tf_sequence_example_record

    from tfx_sequences.components.evaluation.config import make_eval_config
    from tfx_sequences.components.serving.predictor import answers
    from tfx_sequences.pipeline.local.run import beam_pipeline_args
    from tfx_sequences.schemas.features.tfmd import make_schema

    config = make_eval_config(spec)
    shared = tfma.default_eval_shared_model(eval_saved_model_path=str(model), eval_config=config)
    tfxio = tf_sequence_example_record.TFSequenceExampleBeamRecord(
        physical_format="inmem",
        telemetry_descriptors=["equality"],
        schema=make_schema(spec),
        raw_record_column_name=tfma.constants.ARROW_INPUT_COLUMN,
    )
    extractors = tfma.default_extractors(eval_shared_model=shared, eval_config=config)
    wanted = ("ExtractFeatures", "ExtractPredictions", "ExtractUnbatchedInputs")
    with tempfile.TemporaryDirectory() as folder:
        options = beam.options.pipeline_options.PipelineOptions(beam_pipeline_args([]))
        with beam.Pipeline(options=options) as pipeline:
            extracts = pipeline | beam.Create(records) | tfxio.BeamSource() | tfma.BatchedInputsToExtracts()
            for extractor in extractors:
                if extractor.stage_name in wanted:
                    extracts |= extractor.stage_name >> extractor.ptransform
            _ = (
                extracts
                | beam.Map(functools.partial(_row_of_extracts, spec=spec, answers=answers))
                | beam.Map(json.dumps)
                | beam.io.WriteToText(f"{folder}/rows", num_shards=1, shard_name_template="")
            )
        by_record = dict(map(json.loads, Path(folder, "rows").read_text().splitlines()))
    return [by_record[base64.b64encode(record).decode()] for record in records]


def _row_of_extracts(extracts: dict[str, Any], spec: Any, answers: Any) -> tuple[str, Row]:
    record = np.ravel(extracts["input"])[0]
    outputs = {name: np.asarray(value)[None] for name, value in extracts["predictions"].items()}
    for head, label in spec.heads.items():
        name = spec.output_prefix(head) + "predicted_class"
        if name in outputs and not label.per_step:
            # TFMA hands a scalar on as an array of one.
            outputs[name] = outputs[name].reshape(-1)
    return base64.b64encode(record).decode(), next(answers(outputs, spec))


def _in_fresh_process(model: Path, records: list[bytes], spec: Any) -> list[Row]:
    """The answers of a process that can import TensorFlow alone, in batches of 256."""
    import subprocess

    from tfx_sequences.components.serving import fresh_process
    from tfx_sequences.components.serving.predictor import answers

    program = f"""
import runpy, sys, pickle
sys.meta_path.insert(0, runpy.run_path({fresh_process.__file__!r})["_Refuse"]())
import tensorflow as tf
signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
records = pickle.load(open(sys.argv[2], "rb"))
batches = [records[i : i + {BATCH}] for i in range(0, len(records), {BATCH})]
outputs = [{{n: v.numpy() for n, v in signature(examples=tf.constant(b)).items()}} for b in batches]
pickle.dump(outputs, open(sys.argv[3], "wb"))
"""
    import pickle

    with tempfile.TemporaryDirectory() as folder:
        given, gave = Path(folder, "records"), Path(folder, "outputs")
        given.write_bytes(pickle.dumps(records))
        words = [sys.executable, "-I", "-c", program, str(model), str(given), str(gave)]
        subprocess.run(words, check=True, capture_output=True)
        return [row for outputs in pickle.loads(gave.read_bytes()) for row in answers(outputs, spec)]


def _over_http(model: Path, records: list[bytes], spec: Any) -> list[Row]:
    """The answers of the development server, in batches of 256."""
    from tfx_sequences.components.serving.loaded_model import load_model
    from tfx_sequences.components.serving.predictor import answers
    from tfx_sequences.pipeline.rest.rest_server import RestServer

    rows: list[Row] = []
    with RestServer(load_model(model), spec.name) as server:
        url = urllib.parse.urlsplit(f"{server.url}:predict")
        for start in range(0, len(records), BATCH):
            batch = [{"b64": base64.b64encode(record).decode()} for record in records[start : start + BATCH]]
            connection = http.client.HTTPConnection(url.netloc)
            body = json.dumps({"inputs": {"examples": batch}, "signature_name": "serving_default"})
            connection.request("POST", url.path, body, {"Content-Type": "application/json"})
            told = json.loads(connection.getresponse().read())["outputs"]
            told = told if isinstance(told, dict) else {"predictions": told}
            rows += answers({name: _as_served(value) for name, value in told.items()}, spec)
    return rows


def _as_served(value: Any) -> np.ndarray:
    """As a signature gives it: strings as bytes."""
    array = np.array(value)
    return np.char.encode(array, "utf-8").astype(object) if array.dtype.kind == "U" else array


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("output", type=Path, nargs="+")
    above = []
    for output in arguments.parse_args().output:
        print(output, flush=True)
        for name, found in compare(output).items():
            if not found <= TOLERANCE:
                above.append(f"{output}: {name} differs by {found:g}, more than {TOLERANCE:g}")
    sys.exit("\n".join(above) or 0)


if __name__ == "__main__":
    quiet_environment()
    main()
