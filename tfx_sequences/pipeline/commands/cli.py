"""The command line. Heavy imports are inside the commands, so that `--help` answers at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.beam_flags import BeamArgOption, BeamRunnerOption
from tfx_sequences.pipeline.commands.check_command import check_command
from tfx_sequences.pipeline.commands.command_options import (
    OutputOption,
    RunDataOption,
    SpecArgument,
    UntrustedOption,
    on_this_machine,
    readable,
)
from tfx_sequences.pipeline.commands.compile_command import compile_command
from tfx_sequences.pipeline.commands.diff_command import diff_command
from tfx_sequences.pipeline.commands.fit_command import fit_command
from tfx_sequences.pipeline.commands.ingest_command import ingest_command
from tfx_sequences.pipeline.commands.predict_command import predict_command
from tfx_sequences.pipeline.commands.propose_command import propose_command
from tfx_sequences.pipeline.commands.serve_command import serve_command
from tfx_sequences.pipeline.commands.shown_result import show_result
from tfx_sequences.pipeline.commands.submit_command import submit_command
from tfx_sequences.version import __version__

if TYPE_CHECKING:
    from tfx_sequences.components.records.paths import AnyPath
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.pipeline.local.output_folder import OutputLayout
    from tfx_sequences.pipeline.local.run import RunResult

_DEMO_SPEC = "japanese_vowels"
_DEMO_PREDICTIONS = 6

app = typer.Typer(
    name="tfx-sequences",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 the model was not blessed, 2 the input is invalid, 3 a bug in tfx-sequences, "
    "130 stopped with Ctrl-C, 143 stopped with SIGTERM.",
)

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    0: success. 1: the model was not blessed. 2: the user's input is invalid.
    3: a bug. 130: stopped with Ctrl-C. 143: stopped with SIGTERM.

    Args:
        arguments: Without the program's name; by default those of the process.
    """
    try:
        app(args=arguments, prog_name="tfx-sequences")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tfx-sequences {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Sequence models on TFX, from one declarative spec."""


@app.command()
def run(
    spec: SpecArgument,
    data: RunDataOption,
    output: Annotated[str, typer.Option("--output", metavar="DIR", help="Folder for all output.")],
    beam_runner: BeamRunnerOption = None,
    beam_arg: BeamArgOption = None,
    bulk_inference: Annotated[
        str | None,
        typer.Option(
            "--bulk-inference",
            metavar="DIR",
            help="Folder of more TFRecord files to predict if the model is blessed.",
        ),
    ] = None,
    quiet: QuietOption = False,
    untrusted: UntrustedOption = False,
) -> None:
    """Check the records, then train, evaluate and push a model.

    A second run with the same output folder repeats only what changed. The
    exit code is 1 if the model did not pass the spec's thresholds.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        result = _run(capture, spec, data, output, beam_runner, beam_arg or [], quiet, bulk_inference, untrusted)
        return _exit_code(result)

    raise typer.Exit(supervised(work))


@app.command()
def demo(
    output: Annotated[str, typer.Option("--output", metavar="DIR", help="Folder for all output.")] = "demo_output",
) -> None:
    """Run the bundled example: which of nine speakers said a vowel? Then predict a few records."""
    from importlib import resources

    from tfx_sequences.components.records.files import find_split_files
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        bundled = resources.files("tfx_sequences") / "examples_data" / _DEMO_SPEC
        with resources.as_file(bundled) as data:
            result = _run(capture, _DEMO_SPEC, str(data), output, None, [], quiet=False)
            if result.pushed_model is not None:
                [records] = find_split_files(data, result.spec.splits)["test"]
                _show_predictions(capture, result.pushed_model, records)
        return _exit_code(result)

    raise typer.Exit(supervised(work))


app.command("fit")(fit_command)
app.command("predict")(predict_command)


app.command("check")(check_command)


app.command("propose")(propose_command)
app.command("ingest")(ingest_command)
app.command("compile")(compile_command)
app.command("submit")(submit_command)


@app.command()
def schema(
    output: OutputOption = None,
) -> None:
    """Print the JSON Schema of spec files, for editors that complete and check YAML."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        import json

        from tfx_sequences.pipeline.commands.output_file import check_output_file, output_stream
        from tfx_sequences.schemas.spec.spec_io import json_schema

        target = on_this_machine("output", output)
        check_output_file(target)
        with output_stream(target, instead=capture.stdout) as file:
            file.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0

    raise typer.Exit(supervised(work))


app.command("serve")(serve_command)
app.command("diff")(diff_command)


def _run(
    capture: Capture,
    spec: str,
    data: str,
    output: str,
    beam_runner: str | None,
    beam_args: Sequence[str],
    quiet: bool,
    bulk_inference: str | None = None,
    untrusted: bool = False,
) -> RunResult:
    """Runs the pipeline for `run` and `demo`, with progress on the terminal."""
    from datetime import datetime

    from tfx_sequences.compat import check_environment
    from tfx_sequences.pipeline.local.console import RunProgress
    from tfx_sequences.schemas.spec.spec_io import load_spec

    check_environment(needs_tfx=True)
    on_this_machine("spec", spec)
    folder, target = readable("data folder", data), on_this_machine("output folder", output)
    to_predict = readable("folder to predict", bulk_inference) if bulk_inference else None
    loaded = load_spec(spec, untrusted=untrusted)
    with RunProgress(capture.console, quiet=quiet) as progress:

        def on_ready(layout: OutputLayout) -> None:
            capture.move_to(layout.logs / f"{datetime.now():%Y%m%d-%H%M%S}.log")
            progress.activity("Starting TFX")

        progress.activity(f"Checking the records in {data}")
        from tfx_sequences.pipeline.local.run import run_local

        result = run_local(
            loaded,
            folder,
            target,
            beam_args=beam_args,
            beam_runner=beam_runner,
            progress=progress,
            on_ready=on_ready,
            bulk_inference_data=to_predict,
        )
        from tfx_sequences.pipeline.local.report import write_report

        progress.activity("Writing the report")
        report = write_report(result, capture.log_path)
    show_result(capture, result, report, quiet=quiet)
    return result


def _exit_code(result: RunResult) -> int:
    from tfx_sequences.pipeline.commands import supervision

    return supervision.GOOD if result.blessed else supervision.NOT_BLESSED


def _show_predictions(capture: Capture, model: Path, records: AnyPath) -> None:
    from rich.table import Table

    from tfx_sequences.components.serving.prediction import predict_files
    from tfx_sequences.pipeline.local.console import print_table

    rows = list(predict_files(model, records))
    table = Table("record", "predicted", "score")
    # Spread over the file, because neighbouring records are of the same speaker.
    for row in rows[:: max(1, len(rows) // _DEMO_PREDICTIONS)][:_DEMO_PREDICTIONS]:
        table.add_row(row["id"], row["predicted_class"], f"{row['scores'][row['predicted_class']]:.3f}")
    capture.console.print(f"Some of the {len(rows)} test records, predicted by the pushed model:")
    print_table(capture.console, table)
