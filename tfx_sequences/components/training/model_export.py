"""Exports a network; before training, tries what can fail in the export."""

from __future__ import annotations

import os

import keras
import tensorflow as tf

from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.serving_inputs import tensor_specs
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.temporary_names import temporary_folder


def export_model(
    model: keras.Model, spec: SequenceSpec, statistics: TaskStatistics, transformed: TransformOutput, to: str
) -> RawRecordModel:
    """Rebuilds the network without special kernels, so that it runs on any machine; exports and returns it."""
    portable = build_model(spec, statistics, use_cudnn=False)
    portable.set_weights(model.get_weights())
    raw_model = RawRecordModel(portable, transformed.transform_savedmodel_dir, spec, statistics)
    export(raw_model, to, spec, statistics)
    return raw_model


def try_saving(model: keras.Model, spec: SequenceSpec) -> None:
    """Saves the variables of the untrained network, with the inputs and outputs of the exported model.

    TensorFlow derives names of scopes and arguments from those of variables, inputs and outputs, and refuses some of
    them only when it saves. This takes a tenth of a second; the seconds of the export are those of tracing the network.

    Raises:
        SpecError: A name cannot be saved.
    """
    names = [spec.output_prefix(head) + name for head, label in spec.heads.items() for name in label.kind.outputs]

    def answers(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(next(iter(inputs.values())))[:1]
        return {name: tf.identity(rows) for name in names}

    holder = tf.Module()
    holder.saved = [variable.value for variable in model.variables]
    with temporary_folder("export") as folder:
        try:
            traced = tf.function(answers, autograph=False).get_concrete_function(**tensor_specs(spec))
            tf.saved_model.save(holder, os.path.join(folder, "model"), signatures=traced)
        except (ValueError, TypeError, KeyError, tf.errors.InvalidArgumentError) as error:
            raise SpecError(
                "The network cannot be exported, because TensorFlow cannot save one of its names. Nothing was trained.",
                expected="names of variables, inputs and outputs that TensorFlow can save",
                received=f"{type(error).__name__}: {' '.join(str(error).split())[:400]}",
                fix="Use another key or name for the feature or label that the message names.",
            ) from error


def try_export(spec: SequenceSpec, statistics: TaskStatistics, transformed: TransformOutput) -> None:
    """Exports an untrained network into a temporary folder.

    Training may take hours; this finds errors in a user's own network, which only the export reveals, in seconds.

    Raises:
        SpecError: The network cannot be exported.
    """
    with temporary_folder("export") as folder:
        try:
            export_model(build_model(spec, statistics), spec, statistics, transformed, os.path.join(folder, "model"))
        except SpecError:
            raise
        # The network is the user's code and can raise any error.
        except Exception as error:
            raise SpecError(
                f"model.builder: the network that {spec.model.builder} builds cannot be exported. Nothing was trained.",
                expected="layers that Keras can export to a SavedModel, with the same weights for both values of "
                "use_cudnn",
                received=f"{type(error).__name__}: {' '.join(str(error).split())[:400]}",
                fix="Change the layer that the message names.",
            ) from error
