"""Fits a spec's model without TFX, for Python programs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_sequences.components.records.paths import path_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class FitResult:
    """The result of `fit`.

    Attributes:
        blessed: Whether the model passed the spec's thresholds and the check of the exported model.
        model: The folder of the model, which `load_model` takes: its version in `pushed_model` if it is blessed.
        metrics: The metrics of the test split, by name.
        report: The contents of `report.json`.
    """

    blessed: bool
    model: Path
    metrics: Mapping[str, float]
    report: Mapping[str, Any]


def fit(spec: SequenceSpec | str | Path, data: str | os.PathLike[str], output: str | os.PathLike[str]) -> FitResult:
    """Checks the records, then fits, evaluates and exports a model, with TensorFlow alone.

    It is for iteration on one machine. The statistics, the exported model and the report are those of a pipeline, so
    the same spec runs unchanged in production with `tfx-sequences run`.

    Args:
        spec: The spec, or its file, or the name of a bundled one.
        data: Folder of the TFRecords; if the spec has `rows`, also a folder or file of rows.
        output: Folder for all output; created if necessary. A second call with the same records analyzes and
            transforms them only if the spec says something else of that.

    Raises:
        UserInputError: The spec, the records or the output folder are invalid.
    """
    from tfx_sequences.pipeline.local.fit import fit_local
    from tfx_sequences.pipeline.local.report import write_report
    from tfx_sequences.schemas.spec.spec_io import load_spec

    if not isinstance(spec, SequenceSpec):
        spec = load_spec(spec)
    result = fit_local(spec, path_of(data), os.fspath(output))
    report = write_report(result)
    model = result.pushed_model or Path(result.outputs["SequenceTrainer"]["model"])
    return FitResult(result.blessed, model, report["metrics"], report)
