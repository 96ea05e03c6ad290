"""The exported model: raw serialized records in, named predictions out.

Parsing, transforming and padding are the functions that training uses.
Signatures:

    serving_default     examples [B] string -> scores, classes, predicted_class
                        (regression: predictions)
    evaluation_inputs   examples [B] string -> label, example_weight; for the Evaluator
"""

from __future__ import annotations

import json
from typing import Any

import keras
import tensorflow as tf
from tensorflow_transform.saved import saved_transform_io_v2

from tfx_sequences import __version__
from tfx_sequences.components.padding import pad_features
from tfx_sequences.components.preprocessing import checked_label
from tfx_sequences.schemas.parse_specs import parse_records
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.spec_io import fingerprint, spec_to_json
from tfx_sequences.schemas.transformed_features import EXAMPLE_WEIGHT, LABEL

SERVING_SIGNATURE = "serving_default"
EVALUATION_SIGNATURE = "evaluation_inputs"
SCORES = "scores"
CLASSES = "classes"
PREDICTED_CLASS = "predicted_class"
PREDICTIONS = "predictions"
MODEL_CARD = "tfx_sequences.json"


class RawRecordModel:
    """Transform graph and network joined: predictions of raw serialized records.

    Args:
        model: The Keras model, output as of `build_model`.
        transform_savedmodel_dir: The transform graph.
        spec: The spec.
        classes: The classes as strings, in the order of the outputs.
    """

    def __init__(
        self, model: keras.Model, transform_savedmodel_dir: str, spec: SequenceSpec, classes: tuple[str, ...]
    ) -> None:
        self._model = model
        self._spec = spec
        self._classes = classes
        self._loader = saved_transform_io_v2.SavedModelLoader(transform_savedmodel_dir)

    @property
    def tracked(self) -> list[Any]:
        """What an archive must track, lookup tables included."""
        return [self._model, self._loader._imported]

    def predict(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predictions of records, strings `[B]`; `B` may be 0.

        Returns:
            Classification: `scores` `[B, classes]` float32 probabilities,
            `classes` `[B, classes]` strings, `predicted_class` `[B]` string.
            Regression: `predictions` `[B]` float32.
        """
        transformed = self._transform(serialized, with_label=False)
        inputs = pad_features(transformed, self._spec)
        batch = tf.shape(serialized)[0]
        # Recurrent kernels refuse an empty batch: it gets a row, which is cut off again.
        extra = tf.cast(tf.equal(batch, 0), tf.int32)
        inputs = {name: _add_rows(x, extra) for name, x in inputs.items()}
        output = tf.convert_to_tensor(self._model(inputs, training=False))[:batch]
        if self._spec.label.type == "regression":
            return {PREDICTIONS: tf.squeeze(output, axis=1)}
        classes = tf.constant(self._classes)
        return {
            SCORES: tf.nn.softmax(output),
            CLASSES: tf.tile(classes[None, :], [batch, 1]),
            PREDICTED_CLASS: tf.gather(classes, tf.argmax(output, axis=1)),
        }

    def evaluation_inputs(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The label as the model's outputs count it, `[B]`, and the example weight `[B]`."""
        transformed = self._transform(serialized, with_label=True)
        outputs = {LABEL: checked_label(transformed[LABEL], self._spec)}
        if self._spec.example_weight:
            outputs[EXAMPLE_WEIGHT] = transformed[EXAMPLE_WEIGHT]
        return outputs

    def _transform(self, serialized: tf.Tensor, *, with_label: bool) -> dict[str, Any]:
        return self._loader.apply_transform_model(parse_records(serialized, self._spec, with_label=with_label))


def export(raw_model: RawRecordModel, directory: str, spec: SequenceSpec, classes: tuple[str, ...]) -> None:
    """Writes the SavedModel, which needs nothing but TensorFlow to run, and its card.

    The card, `tfx_sequences.json` in the same folder, holds the spec, its
    fingerprint and the classes.
    """
    archive = keras.export.ExportArchive()
    for tracked in raw_model.tracked:
        archive.track(tracked)
    records = [tf.TensorSpec([None], tf.string, name="examples")]
    archive.add_endpoint(SERVING_SIGNATURE, raw_model.predict, input_signature=records)
    archive.add_endpoint(EVALUATION_SIGNATURE, raw_model.evaluation_inputs, input_signature=records)
    archive.write_out(directory, verbose=False)
    card = {
        "tfx_sequences_version": __version__,
        "fingerprint": fingerprint(spec),
        "classes": list(classes),
        "spec": json.loads(spec_to_json(spec)),
    }
    with tf.io.gfile.GFile(f"{directory}/{MODEL_CARD}", "w") as file:
        file.write(json.dumps(card, indent=1))


def _add_rows(values: tf.Tensor, extra: tf.Tensor) -> tf.Tensor:
    padded = tf.pad(values, [[0, extra], *([[0, 0]] * (values.shape.rank - 1))])
    return tf.ensure_shape(padded, [None, *values.shape[1:]])
