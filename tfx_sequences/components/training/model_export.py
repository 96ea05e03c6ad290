"""Exports a network; for a user's own network, also tests the export before training."""

from __future__ import annotations

import os

import keras

from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
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
