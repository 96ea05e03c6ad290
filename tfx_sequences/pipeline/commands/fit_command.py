"""`tfx-sequences fit`: a model of a spec, with TensorFlow alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import (
    RunDataOption,
    SpecArgument,
    UntrustedOption,
    on_this_machine,
    readable,
)
from tfx_sequences.pipeline.commands.shown_result import show_result

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.pipeline.local.output_folder import OutputLayout


def fit_command(
    spec: SpecArgument,
    data: RunDataOption,
    output: Annotated[str, typer.Option("--output", metavar="DIR", help="Folder for all output.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    untrusted: UntrustedOption = False,
) -> None:
    """Check the records, then fit, evaluate and export a model, with TensorFlow alone.

    It is for iteration: no TFX, no Beam, no metadata. The model and the report are
    those of 'run'. The exit code is 1 if the model did not pass the spec's thresholds.
    """
    from tfx_sequences.pipeline.commands import supervision

    def work(capture: Capture) -> int:
        blessed = _fit(capture, spec, data, output, quiet, untrusted)
        return supervision.GOOD if blessed else supervision.NOT_BLESSED

    raise typer.Exit(supervision.supervised(work))


def _fit(capture: Capture, spec: str, data: str, output: str, quiet: bool, untrusted: bool) -> bool:
    from datetime import datetime

    from tfx_sequences.compat import check_environment
    from tfx_sequences.pipeline.local.console import RunProgress
    from tfx_sequences.schemas.spec.spec_io import load_spec

    check_environment(needs_tfx=False)
    on_this_machine("spec", spec)
    folder, target = readable("data folder", data), on_this_machine("output folder", output)
    loaded = load_spec(spec, untrusted=untrusted)
    with RunProgress(capture.console, quiet=quiet) as progress:

        def on_ready(layout: OutputLayout) -> None:
            capture.move_to(layout.logs / f"{datetime.now():%Y%m%d-%H%M%S}.log")

        progress.activity(f"Checking the records in {data}")
        from tfx_sequences.pipeline.local.fit import fit_local

        result = fit_local(loaded, folder, target, progress=progress, on_ready=on_ready)
        from tfx_sequences.pipeline.local.report import write_report

        progress.activity("Writing the report")
        report = write_report(result, capture.log_path)
    show_result(capture, result, report, quiet=quiet)
    return result.blessed
