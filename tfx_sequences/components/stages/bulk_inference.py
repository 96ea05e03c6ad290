"""Predicts a folder of records as part of a pipeline: ImportExampleGen, and BulkInferrer with our inference.

TFX's own inference (tfx-bsl 1.16) cannot handle an output with one string per record, such as `predicted_class`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.bulk_inferrer import component as bulk_component
from tfx.components.bulk_inferrer import executor as bulk_executor
from tfx.components.example_gen.import_example_gen.component import ImportExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.proto import bulk_inferrer_pb2, example_gen_pb2
from tfx.types import artifact_utils

from tfx_sequences.components.serving.loaded_model import LoadedModel, RefusedInput, load_model
from tfx_sequences.components.serving.names import ELWC_SIGNATURE, EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.components.stages.unfinished_writes import remove_unfinished_writes
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPLIT = "predict"
_BATCH = 256
# Signature and payload by the spec's `record`. TFX does not know ExampleListWithContext, and copies it as it is.
_FORMATS = {
    "SequenceExample": (SERVING_SIGNATURE, example_gen_pb2.PayloadFormat.FORMAT_TF_SEQUENCE_EXAMPLE),
    "Example": (SERVING_SIGNATURE, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE),
    "ELWC": (ELWC_SIGNATURE, example_gen_pb2.PayloadFormat.FORMAT_PROTO),
}


def bulk_inference(
    data: str, spec: SequenceSpec, model: types.BaseChannel, blessing: types.BaseChannel
) -> list[BaseComponent]:
    """The two components; they predict nothing if the model is not blessed.

    Args:
        data: Folder or URI; all files with `tfrecord` in their names are read.
        spec: The spec; its `record` is the type of the records.
        model: The model.
        blessing: The Evaluator's blessing.

    Returns:
        `BulkExampleGen` and `BulkInferrer`, whose output `inference_result` has a `PredictionLog` for each record: the
        record itself and the outputs of `serving_default`, or of `serving_elwc` for ExampleListWithContext.
    """
    signature, payload = _FORMATS[spec.record]
    split = example_gen_pb2.Input.Split(name=SPLIT, pattern="*tfrecord*")
    examples = ImportExampleGen(
        input_base=data,
        input_config=example_gen_pb2.Input(splits=[split]),
        output_config=example_gen_pb2.Output(),
        payload_format=payload,
    ).with_id("BulkExampleGen")
    inferrer = BulkInferrer(
        examples=examples.outputs["examples"],
        model=model,
        model_blessing=blessing,
        data_spec=bulk_inferrer_pb2.DataSpec(example_splits=[SPLIT]),
        model_spec=bulk_inferrer_pb2.ModelSpec(model_signature_name=[signature]),
    )
    return [examples, inferrer]


class Executor(bulk_executor.Executor):
    """TFX's executor, but with predictions by `PredictLogs`."""

    def _run_model_inference(
        self,
        data_spec: Any,
        output_example_spec: Any,
        examples: list[types.Artifact],
        output_examples: types.Artifact | None,
        inference_result: Any,
        inference_endpoint: Any,
    ) -> None:
        from tensorflow_serving.apis import prediction_log_pb2

        del output_example_spec, output_examples
        saved_model = inference_endpoint.saved_model_spec
        [signature_name] = saved_model.signature_name
        folders = [artifact_utils.get_split_uri([a], s) for a in examples for s in data_spec.example_splits]
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create([os.path.join(folder, "*") for folder in folders])
                | "Read" >> beam.io.ReadAllFromTFRecord()
                | "Batch" >> beam.BatchElements(min_batch_size=_BATCH, max_batch_size=_BATCH)
                | "Predict" >> beam.ParDo(PredictLogs(saved_model.model_path, signature_name))
                | "Write"
                >> beam.io.WriteToTFRecord(
                    os.path.join(inference_result.uri, "prediction_logs"),
                    file_name_suffix=".gz",
                    coder=beam.coders.ProtoCoder(prediction_log_pb2.PredictionLog),
                )
            )
        remove_unfinished_writes({"inference_result": [inference_result]})


class BulkInferrer(bulk_component.BulkInferrer):
    """TFX's BulkInferrer for our models."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


@beam.typehints.with_input_types(list[bytes])
class PredictLogs(beam.DoFn):
    """Turns batches of serialized records into one `PredictionLog` per record.

    Args:
        model_dir: Folder or URI of the SavedModel.
        signature_name: The signature that takes the records.
    """

    def __init__(self, model_dir: str, signature_name: str) -> None:
        self._model_dir = model_dir
        self._signature_name = signature_name
        self._model: LoadedModel | None = None

    def setup(self) -> None:
        """Loads the model, once per worker."""
        self._model = load_model(self._model_dir)

    def process(self, records: list[bytes]) -> Iterator[Any]:
        """Predicts one batch.

        Raises:
            DataError: The model rejects a record of the batch.
        """
        import tensorflow as tf
        from tensorflow_serving.apis import prediction_log_pb2

        model = self._model or load_model(self._model_dir)
        try:
            outputs = model.call(self._signature_name, {EXAMPLES: tf.constant(records)})
        except RefusedInput as error:
            raise DataError(
                "A record of the folder for bulk inference cannot be predicted.",
                expected="records with the features of the spec",
                received=error.reason[:300],
                fix="Run 'tfx-sequences predict' with --skip-failures on the folder: it names these records.",
            ) from error
        for row, record in enumerate(records):
            log = prediction_log_pb2.PredictionLog()
            predicted = log.predict_log
            predicted.request.model_spec.signature_name = self._signature_name
            predicted.request.inputs[EXAMPLES].CopyFrom(tf.make_tensor_proto([record]))
            for name, values in outputs.items():
                predicted.response.outputs[name].CopyFrom(tf.make_tensor_proto(values[row : row + 1]))
            yield log
