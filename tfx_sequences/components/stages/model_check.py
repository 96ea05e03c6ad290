"""The check before the push: does the exported model, on its own, give the trainer's predictions?

It replaces InfraValidator where no container engine is available, and writes the
same artifact, which the Pusher respects.
"""

# No `from __future__ import annotations` here: TFX reads the annotations themselves.
import json
import os

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelRun
from tfx.utils import io_utils, path_utils

from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.exported_check import REPORT, TOLERANCE, check_exported
from tfx_sequences.schemas.spec.spec_io import spec_from_json
from tfx_sequences.temporary_names import temporary_folder

_BLESSED, _NOT_BLESSED = "INFRA_BLESSED", "INFRA_NOT_BLESSED"


@component
def ModelCheck(
    model: InputArtifact[Model],
    model_run: InputArtifact[ModelRun],
    blessing: OutputArtifact[InfraBlessing],
    spec: Parameter[str],
    code_digest: Parameter[str],
    tolerance: Parameter[float] = TOLERANCE,
) -> None:
    """Blesses the model of this spec if a fresh process with only TensorFlow repeats the trainer's predictions.

    Args:
        model: The exported model.
        model_run: Records and the trainer's predictions for them.
        blessing: Blessed or not, with a report of the differences.
        spec: The spec's JSON, with the sections that Transform and Trainer read; the model's card must match it.
        code_digest: Digest of our code; it changes when the code does.
        tolerance: Largest allowed difference, relative to the output's greatest number if that is above 1;
            strings must be equal.
    """
    del code_digest
    with temporary_folder("check") as folder:
        local_model = os.path.join(folder, "model")
        io_utils.copy_dir(path_utils.serving_model_path(model.uri), local_model)
        predictions = os.path.join(folder, predictions_file.FILE_NAME)
        io_utils.copy_file(os.path.join(model_run.uri, predictions_file.FILE_NAME), predictions)
        report = check_exported(local_model, predictions, spec_from_json(spec), tolerance)
    failures = report["failures"]
    status = _NOT_BLESSED if failures else _BLESSED
    io_utils.write_string_file(os.path.join(blessing.uri, status), "")
    io_utils.write_string_file(os.path.join(blessing.uri, REPORT), json.dumps(report, indent=1))
    blessing.set_int_custom_property("blessed", int(not failures))
    blessing.set_string_custom_property("blessing_status", status)
