"""The command line. Heavy imports stand inside the commands, so that help answers at once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.beam_flags import BeamArgOption, BeamRunnerOption
from tfx_sequences.pipeline.commands.command_options import check_paths as _check_paths
from tfx_sequences.pipeline.commands.compile_command import compile_command
from tfx_sequences.pipeline.commands.diff_command import diff_command
from tfx_sequences.pipeline.commands.predict_command import predict_command
from tfx_sequences.pipeline.commands.serve_command import serve_command
from tfx_sequences.pipeline.commands.submit_command import submit_command
from tfx_sequences.version import __version__

if TYPE_CHECKING:
    from tfx_sequences.components.records.data_check import DataReport
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.pipeline.local.output_folder import OutputLayout
    from tfx_sequences.pipeline.local.run import RunResult
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_DEMO_SPEC = "japanese_vowels"
_DEMO_PREDICTIONS = 6
_MOST_CLASSES = 12

app = typer.Typer(
    name="tfx-sequences",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 good, 1 the model was not blessed, 2 something you gave needs mending, 3 a defect of ours.",
)

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="A spec's YAML file, or the name of a bundled spec.")]
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the TFRecord files.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    0: good. 1: the model was not blessed. 2: the user's input needs mending.
    3: a defect. 130: stopped with Ctrl-C.

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
    """Sequence models on TFX, from one declaration: the spec."""


@app.command()
def run(
    spec: SpecArgument,
    data: DataOption,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Folder for everything that is written.")],
    beam_runner: BeamRunnerOption = None,
    beam_arg: BeamArgOption = None,
    bulk_inference: Annotated[
        Path | None,
        typer.Option(
            "--bulk-inference",
            metavar="DIR",
            help="Folder of more TFRecord files, predicted when the model is blessed.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Check the records, then train, evaluate and push a model.

    A second run with the same output folder repeats only what has changed. The
    exit code is 1 if the model did not pass the spec's thresholds.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        result = _run(capture, spec, data, output, beam_runner, beam_arg or [], quiet, bulk_inference)
        return _exit_code(result)

    raise typer.Exit(supervised(work))


@app.command()
def demo(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Folder for everything that is written.")
    ] = Path("demo_output"),
) -> None:
    """Run the bundled example: who of nine speakers said a vowel? Then predict a few records."""
    from importlib import resources

    from tfx_sequences.components.records.files import find_split_files
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        bundled = resources.files("tfx_sequences") / "examples_data" / _DEMO_SPEC
        with resources.as_file(bundled) as data:
            result = _run(capture, _DEMO_SPEC, data, output, None, [], quiet=False)
            if result.pushed_model is not None:
                [records] = find_split_files(data, result.spec.splits)["test"]
                _show_predictions(capture, result.pushed_model, records)
        return _exit_code(result)

    raise typer.Exit(supervised(work))


app.command("predict")(predict_command)


@app.command()
def check(spec: SpecArgument, data: DataOption) -> None:
    """Check records against a spec and say what is in them; nothing is written."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.schemas.spec.spec_io import load_spec

        check_environment(needs_tfx=False)
        _check_paths(spec=spec, data_folder=data)
        loaded = load_spec(spec)
        with _waiting(capture, f"Checking the records in {data}"):
            from tfx_sequences.components.records.data_check import check_data

            report = check_data(loaded, data)
        _show_data(capture, loaded, report)
        return 0

    raise typer.Exit(supervised(work))


@app.command()
def propose(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SCHEMA_OR_DATA", help="A schema's text file (schema.pbtxt), a TFRecord file, or a folder of those."
        ),
    ],
    label: Annotated[
        str | None, typer.Option("--label", metavar="KEY", help="The label's key; guessed if its name tells.")
    ] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", metavar="KEY", help="The key of the records' weight.")
    ] = None,
    id_key: Annotated[str | None, typer.Option("--id", metavar="KEY", help="The key of the records' id.")] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The spec's name; by default that of the source.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
) -> None:
    """Propose a spec for a schema, or for records; comments in it say what was guessed.

    Of records the schema is inferred first, by TFDV from statistics over the training files.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment, check_tensorflow_metadata
        from tfx_sequences.pipeline.commands.output_file import check_output_file, written_whole

        _check_paths(schema_or_data=source, output=output)
        check_output_file(output)
        of_records = source.is_dir() or "tfrecord" in source.name.lower()
        if of_records:
            check_environment(needs_tfx=True)
        check_tensorflow_metadata()
        with _waiting(capture, f"Reading the records in {source}" if of_records else f"Reading {source}"):
            from tfx_sequences.pipeline.commands.propose import propose as proposed

            proposal = proposed(source, label=label, example_weight=weight, id_key=id_key, name=name)
        with written_whole(output, instead=capture.stdout) as file:
            file.write(proposal.to_yaml(origin=str(source)))
        if output is not None:
            told = f"Guesses to look through: {len(proposal.notes)}; features left out: {len(proposal.left_out)}."
            capture.error_console.print(f"Spec written to {output}. {told}", soft_wrap=True, markup=False)
        return 0

    raise typer.Exit(supervised(work))


app.command("compile")(compile_command)
app.command("submit")(submit_command)


@app.command()
def schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
) -> None:
    """Print the JSON Schema of spec files, for editors that complete and check YAML."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        import json

        from tfx_sequences.pipeline.commands.output_file import check_output_file, written_whole
        from tfx_sequences.schemas.spec.spec_io import json_schema

        _check_paths(output=output)
        check_output_file(output)
        with written_whole(output, instead=capture.stdout) as file:
            file.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0

    raise typer.Exit(supervised(work))


app.command("serve")(serve_command)
app.command("diff")(diff_command)


def _run(
    capture: Capture,
    spec: str,
    data: Path,
    output: Path,
    beam_runner: str | None,
    beam_args: Sequence[str],
    quiet: bool,
    bulk_inference: Path | None = None,
) -> RunResult:
    """The run of both `run` and `demo`, shown on the terminal."""
    from datetime import datetime

    from tfx_sequences.compat import check_environment
    from tfx_sequences.pipeline.local.console import RunProgress
    from tfx_sequences.schemas.spec.spec_io import load_spec

    check_environment(needs_tfx=True)
    _check_paths(spec=spec, data_folder=data, output_folder=output, folder_to_predict=bulk_inference)
    loaded = load_spec(spec)
    with RunProgress(capture.console, quiet=quiet) as progress:

        def on_ready(layout: OutputLayout) -> None:
            capture.move_to(layout.logs / f"{datetime.now():%Y%m%d-%H%M%S}.log")
            progress.activity("Starting TFX")

        progress.activity(f"Checking the records in {data}")
        from tfx_sequences.pipeline.local.run import run_local

        result = run_local(
            loaded,
            data,
            output,
            beam_args=beam_args,
            beam_runner=beam_runner,
            progress=progress,
            on_ready=on_ready,
            bulk_inference_data=bulk_inference,
        )
        from tfx_sequences.pipeline.local.report import print_summary, write_report

        progress.activity("Writing the report")
        report = write_report(result, capture.log_path)
    if not quiet:
        print_summary(report, capture.console)
    elif not result.blessed:
        capture.error_console.print(f"Not blessed, not pushed: {'; '.join(report['missed'])}.", markup=False)
    return result


def _exit_code(result: RunResult) -> int:
    from tfx_sequences.pipeline.commands import supervision

    return supervision.GOOD if result.blessed else supervision.NOT_BLESSED


def _show_predictions(capture: Capture, model: Path, records: Path) -> None:
    from rich.table import Table

    from tfx_sequences.components.serving.prediction import predict_files

    rows = list(predict_files(model, records))
    table = Table("record", "predicted", "score")
    # Spread over the file, for neighbours are of one speaker.
    for row in rows[:: max(1, len(rows) // _DEMO_PREDICTIONS)][:_DEMO_PREDICTIONS]:
        table.add_row(row["id"], row["predicted_class"], f"{row['scores'][row['predicted_class']]:.3f}")
    capture.console.print(f"Some of the {len(rows)} test records, predicted by the pushed model:")
    capture.console.print(table)


@contextlib.contextmanager
def _waiting(capture: Capture, activity: str) -> Iterator[None]:
    """Says what is going on, on a terminal only, and leaves nothing behind."""
    if not capture.error_console.is_terminal:
        yield
        return
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots", Text(f"{activity} ..."))
    # Not Console.status, which would send what the stack writes to the terminal.
    with Live(spinner, console=capture.error_console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield


def _show_data(capture: Capture, spec: SequenceSpec, report: DataReport) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("split")
    for column in ("files", "records", "steps", "shortest", "mean length", "longest", "empty"):
        table.add_column(column, justify="right")
    for split, figures in report.splits.items():
        lengths = (figures.length_min, f"{figures.length_mean:.1f}", figures.length_max)
        row = (len(figures.files), figures.records, figures.steps, *lengths, figures.zero_length)
        table.add_row(split, *(str(value) for value in row))
    capture.console.print(f"Records for {spec.name}, by split; lengths in steps:")
    capture.console.print(table)
    notes: dict[str, Sequence[str]] = {}
    for head, classes in report.splits["train"].classes.items():
        listed = [f"{name} ({count})" for name, count in classes.items()]
        rest = [f"{len(listed) - _MOST_CLASSES} more"] if len(listed) > _MOST_CLASSES else []
        label = spec.heads[head]
        of = f"'{label.key}'{' (of steps)' if label.per_step else ''}"
        notes[f"The {len(classes)} classes of {of} in train"] = listed[:_MOST_CLASSES] + rest
    notes |= {
        "Held back from train in a run, for want of files": [f"{n} for {name}" for name, n in report.held_back.items()],
        "In the data but not in the spec, so not used": (*report.unused_context, *report.unused_sequence),
        "Record files that belong to no split": report.unused_files,
    }
    for note, names in notes.items():
        if names:
            capture.console.print(Text(f"{note}: {', '.join(names)}."), soft_wrap=True)
    capture.console.print(Text("The records fit the spec."))
