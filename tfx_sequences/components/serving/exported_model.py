"""The exported model: raw serialized records in, named predictions out.

Parsing, transforming and padding use the same functions as training.
Signatures, with the input `examples` `[B]` string unless stated otherwise:

    serving_default      the outputs of `served`, for all heads, for records of the spec's type
    serving_example      the same for tf.Example, if it can hold all features
    serving_elwc         the same for ExampleListWithContext, if the spec says `record: ELWC`
    serving_tensors      the same for padded tensors, named as in `request_inputs`
    transform_features   the transformed features, padded: what the network reads
    evaluation_inputs    label and example_weight of each head, in the Evaluator's format
    evaluation_outputs   the outputs of serving_default, and the inputs of the Evaluator's metrics: by head its
                         outputs, targets, weights and the sums of its measures; the lengths

If the spec has several labels, each output is called NAME_OUTPUT. If a label is per step, there is
`sequence_length` `[B]` too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.batches.padding import add_rows, pad_features
from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.numbers.chosen import normalizers_of
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.components.serving.elwc_inputs import from_example_lists
from tfx_sequences.components.serving.model_card import checksum_of, make_card, write_card
from tfx_sequences.components.serving.model_files import FILES, digests_of_files
from tfx_sequences.components.serving.names import (
    CUT_STEPS,
    ELWC_SIGNATURE,
    EVALUATION_SIGNATURE,
    EXAMPLE_SIGNATURE,
    EXAMPLES,
    MEASURES_SIGNATURE,
    OUTPUTS,
    SERVING_SIGNATURE,
    SUMS,
    TARGETS,
    TENSOR_SIGNATURE,
    TRANSFORM_SIGNATURE,
    WEIGHTS,
)
from tfx_sequences.components.serving.portable_model import require_portable_graph
from tfx_sequences.components.serving.served_outputs import served
from tfx_sequences.components.serving.serving_inputs import from_records, from_tensors, tensor_specs
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.record_scales import network_spec, read_features
from tfx_sequences.schemas.features.request_inputs import why_no_examples
from tfx_sequences.schemas.features.transformed_features import EXAMPLE_WEIGHT, label_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, weighs_records


class RawRecordModel:
    """The transform graph and the network combined: predictions for raw serialized records.

    Args:
        model: The Keras model, with outputs as returned by `build_heads`.
        transform_savedmodel_dir: The transform graph.
        spec: The spec.
        statistics: Statistics of the training split, such as the classes.
    """

    def __init__(
        self, model: keras.Model, transform_savedmodel_dir: str, spec: SequenceSpec, statistics: TaskStatistics
    ) -> None:
        self._model = model
        self._spec = spec
        # The network reads transformed records with this spec; raw records are read with `spec`.
        self._network_spec = network_spec(spec, normalizers_of(statistics.normalizers))
        self._statistics = statistics
        self.transform_dir = transform_savedmodel_dir
        self._transform = TransformGraph(transform_savedmodel_dir)
        # Steps that several signatures share are traced once, into one function of the exported graph.
        self._inputs = _traced_once(self._transform_parsed)
        self._of_records = _traced_once(self._transform_records)
        self._logits = _traced_once(self._run_network)
        self._labelled = _traced_once(self._read_labelled)

    @property
    def tracked(self) -> list[Any]:
        """The lookup tables, which an archive must track; it finds the variables itself."""
        # If the archive got the network instead, it would trace it again to find them.
        parts = [part for layer in self._model._flatten_layers() for part in vars(layer).values()]
        tables = [part for part in parts if isinstance(part, tf.saved_model.experimental.TrackableResource)]
        return [*tables, self._transform.imported]

    def predict(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predictions for records of the spec's type, strings `[B]`; `B` may be 0. See `served`."""
        return self._answers(self._of_records(serialized))

    def predict_examples(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same for records of type `tf.Example`, whatever the spec's type is."""
        return self._answers(self._inputs(from_records(serialized, self._spec, "Example")))

    def predict_example_lists(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The same for records that are ExampleListWithContext."""
        return self._answers(self._inputs(from_example_lists(serialized, self._spec)))

    def predict_tensors(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The same for padded tensors; see `from_tensors`."""
        return self._answers(self._inputs(from_tensors(inputs, self._spec)))

    def transform_features(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """The network's inputs for records of the spec's type; see `pad_features`."""
        return dict(self._of_records(serialized))

    def evaluation_inputs(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """Each head's `label`, in the form in which its outputs count it, and `example_weight`; with several heads
        `label.NAME` and so on.

        Labels of steps are padded; their weights `[B, T]` show which steps are real. A multi_label is
        a vector of 0 and 1 by class. Labels of records have a weight if the spec has an
        `example_weight`, or if they may be missing.
        """
        _, targets, weights = self._labelled(serialized)
        outputs = {}
        for head, label in self._spec.heads.items():
            target, name = targets[head], label_name(head)
            outputs[name] = kind_of(label).evaluated_target(label, target, self._statistics.heads[head].classes)
            if label.per_step or weighs_records(self._spec, label):
                outputs[name.replace("label", EXAMPLE_WEIGHT, 1)] = weights[head]
        return outputs

    def evaluation_outputs(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predictions for records with labels, and the inputs of the metrics.

        For each head `sums` `[B, S]` of its measures, and the tensors that they are computed from: `outputs` as
        returned by `build_heads`, `targets` and `weights` as returned by `targets_and_weights`. For each record
        `sequence_length` `[B]` (the steps that the network reads) and `cut_steps` `[B]` (the steps that are cut off).
        """
        transformed, targets, weights = self._labelled(serialized)
        inputs = pad_features(transformed, self._network_spec)
        logits = self._logits(inputs)
        outputs = served(logits, inputs, self._spec, self._statistics)
        for head, label in self._spec.heads.items():
            measures = evaluated_measures(label, self._statistics.heads[head].classes, with_curve=True)
            prefix = self._spec.output_prefix(head)
            outputs[prefix + SUMS] = measures.sums(targets[head], logits[head], weights[head])
            outputs |= {
                prefix + OUTPUTS: logits[head],
                prefix + TARGETS: targets[head],
                prefix + WEIGHTS: weights[head],
            }
        outputs[SEQUENCE_LENGTH] = transformed[SEQUENCE_LENGTH]
        outputs[CUT_STEPS] = transformed[CUT_STEPS]
        return outputs

    def _answers(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return served(self._logits(inputs), inputs, self._spec, self._statistics)

    def _transform_records(self, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._inputs(from_records(serialized, self._spec))

    def _transform_parsed(self, parsed: dict[str, Any]) -> dict[str, tf.Tensor]:
        return pad_features(self._transformed(parsed), self._network_spec)

    def _transformed(self, parsed: dict[str, Any]) -> dict[str, Any]:
        return read_features(self._transform(parsed), self._network_spec)

    def _run_network(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The network's outputs, by head."""
        batch = tf.shape(inputs[SEQUENCE_LENGTH])[0]
        # Recurrent kernels reject an empty batch: it gets a row, which is removed afterwards.
        extra = tf.cast(tf.equal(batch, 0), tf.int32)
        outputs = self._model({name: add_rows(x, extra) for name, x in inputs.items()}, training=False)
        by_head = outputs if isinstance(outputs, dict) else dict.fromkeys(self._spec.heads, outputs)
        return {name: tf.convert_to_tensor(value)[:batch] for name, value in by_head.items()}

    def _read_labelled(self, serialized: tf.Tensor) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Transformed features, and targets and weights by head."""
        parsed = parse_records(serialized, self._spec, with_label=True)
        whole = self._transformed(parsed)
        transformed = labelled_rows(whole, self._spec)
        transformed[CUT_STEPS] = whole[SEQUENCE_LENGTH] - transformed[SEQUENCE_LENGTH]
        targets, weights = targets_and_weights(pad_labels(transformed, self._spec), self._spec)
        if self._spec.label is not None:
            return transformed, dict.fromkeys(self._spec.heads, targets), dict.fromkeys(self._spec.heads, weights)
        return transformed, targets, weights


def export(raw_model: RawRecordModel, directory: str, spec: SequenceSpec, statistics: TaskStatistics) -> None:
    """Writes the SavedModel, which needs only TensorFlow to run, and its card.

    The card has the contents described at `make_card`, and TensorFlow's checksum of the SavedModel.

    Raises:
        TfxSequencesError: The graph has a kernel that exists only on a GPU.
    """
    classes = {name: head.classes for name, head in statistics.heads.items()}
    card = make_card(spec, classes, raw_model.transform_dir, statistics.normalizers)
    archive = keras.export.ExportArchive()
    for tracked in raw_model.tracked:
        archive.track(tracked)
    records = [tf.TensorSpec([None], tf.string, name=EXAMPLES)]
    of_records = {
        SERVING_SIGNATURE: raw_model.predict,
        TRANSFORM_SIGNATURE: raw_model.transform_features,
        EVALUATION_SIGNATURE: raw_model.evaluation_inputs,
        MEASURES_SIGNATURE: raw_model.evaluation_outputs,
    }
    if why_no_examples(spec) is None:
        of_records[EXAMPLE_SIGNATURE] = raw_model.predict_examples
    if spec.record == "ELWC":
        of_records[ELWC_SIGNATURE] = raw_model.predict_example_lists
    endpoints: list[tuple[str, Callable[..., Any], list[Any]]] = [(n, f, records) for n, f in of_records.items()]
    endpoints.append((TENSOR_SIGNATURE, raw_model.predict_tensors, [tensor_specs(spec)]))
    for name, function, signature in endpoints:
        # An archive traces each function twice, to find its variables and to save it; here it traces only a call.
        traced = _traced_once(function).get_concrete_function(*signature)
        archive.add_endpoint(name, functools.partial(_call, traced), input_signature=signature)
    archive.write_out(directory, verbose=False)
    require_portable_graph(directory)
    files = digests_of_files(path_of(directory))
    write_card({**card, "saved_model_checksum": checksum_of(directory), FILES: files}, directory)


def _traced_once(function: Callable[..., Any]) -> Any:
    return tf.function(function, autograph=False)


def _call(traced: Any, inputs: Any) -> dict[str, tf.Tensor]:
    return dict(traced(inputs))
