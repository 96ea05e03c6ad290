"""`tfx-sequences predict`: predicts the records of files with a model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfx_sequences.pipeline.commands.beam_flags import BeamArgOption, BeamRunnerOption
from tfx_sequences.pipeline.commands.command_options import ModelArgument, on_this_machine, readable
from tfx_sequences.pipeline.commands.row_lines import Join, RowLines, check_row_options
from tfx_sequences.temporary_names import temporary_folder

if TYPE_CHECKING:
    from tfx_sequences.components.serving.predictor import Failures
    from tfx_sequences.pipeline.commands.capture import Capture


def predict_command(
    model: ModelArgument,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A TFRecord file, or a folder of them; files of rows, if the model was trained on rows; or a URI that "
            "TensorFlow reads.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file instead of standard output: .parquet, .tfrecord or .tfrecord.gz; otherwise JSON "
            "lines.",
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Maximum number of records to predict.")] = None,
    top_k: Annotated[
        int | None,
        typer.Option("--top-k", min=1, metavar="K", help="Scores of the K most likely classes only, in this order."),
    ] = None,
    no_scores: Annotated[
        bool,
        typer.Option("--no-scores", "--classes-only", help="Predicted classes only; scores are most of a file."),
    ] = False,
    skip_failures: Annotated[
        bool,
        typer.Option(
            "--skip-failures",
            help="Skip records that cannot be predicted; the command counts them and names the first ones.",
        ),
    ] = False,
    spec: Annotated[
        str | None, typer.Option("--spec", metavar="SPEC", help="Reject the model if it was trained with another spec.")
    ] = None,
    join: Annotated[
        Join | None,
        typer.Option(
            "--join", help="For rows: one answer for all windows of a session, and for each step in several of them."
        ),
    ] = None,
    beam: Annotated[bool, typer.Option("--beam", help="Predict with Beam, in parallel on its workers.")] = False,
    beam_runner: BeamRunnerOption = None,
    beam_arg: BeamArgOption = None,
) -> None:
    """Predict any number of records, or files of rows, with a pushed model, in order."""
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.pipeline.commands.output_file import check_output_file

        through_beam = beam or bool(beam_runner or beam_arg)
        check_environment(needs_tfx=through_beam)
        models, records = readable("model", model), readable("data", data)
        target = on_this_machine("output", output)
        check_output_file(target)
        if no_scores and top_k is not None:
            raise typer.BadParameter("--top-k asks for scores, and --no-scores for none: use one of them")
        kept = 0 if no_scores else top_k
        if through_beam and limit is not None:
            raise typer.BadParameter(
                "--limit takes the first records, but Beam has no record order: use --limit or Beam, not both"
            )
        from tfx_sequences.components.serving.model_card import check_model, find_model, read_card, spec_of_card
        from tfx_sequences.components.serving.prediction import predict_files
        from tfx_sequences.components.serving.prediction_writers import writer_for
        from tfx_sequences.components.serving.predictor import Failures
        from tfx_sequences.pipeline.local.row_data import has_rows
        from tfx_sequences.schemas.spec.spec_io import load_spec

        folder_of_model = find_model(models)
        card = read_card(folder_of_model)
        if spec is not None:
            check_model(card, load_spec(spec), model=f"the model in {folder_of_model}")
        trained = spec_of_card(card, folder_of_model)
        of_rows = has_rows(trained, records)
        check_row_options(of_rows, target, join, through_beam)
        write = writer_for(target, trained, kept)
        failures = Failures() if skip_failures else None
        with contextlib.ExitStack() as stack:
            if of_rows:
                lines = RowLines(models, records, target, failures, join, limit, kept)
                rows = iter(lines)
                stack.callback(lines.tell, capture)
            elif through_beam:
                from tfx_sequences.components.serving.bulk_prediction import predict_through_beam
                from tfx_sequences.pipeline.beam_engines import beam_pipeline_args, check_engine, check_reach

                arguments = beam_pipeline_args(beam_arg or [], beam_runner)
                check_reach(arguments, {"model": model, "data": data})
                check_engine(arguments)
                # Next to the output: there is enough space, and every worker on this machine can read it.
                place = target.resolve().parent if target else None
                folder = stack.enter_context(temporary_folder("predict", place))
                rows = predict_through_beam(models, records, folder, arguments, failures=failures, top_k=kept)
            else:
                rows = predict_files(models, records, limit=limit, on_failure=failures, top_k=kept)
            written = _write(capture, write, rows, target)
        if output is not None:
            capture.error_console.print(f"{written} predictions written to {output}.", soft_wrap=True, markup=False)
        if failures is not None and failures.count:
            _tell_failures(capture, failures)
        return 0

    raise typer.Exit(supervised(work))


def _write(capture: Capture, write: Any, rows: Iterable[dict[str, Any]], output: Path | None) -> int:
    """Writes the rows, shows their count on a terminal, and returns their number."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from tfx_sequences.pipeline.commands.output_file import output_stream

    count = Progress(
        SpinnerColumn(),
        TextColumn("{task.completed} records predicted"),
        TimeElapsedColumn(),
        console=capture.error_console,
        redirect_stdout=False,
        redirect_stderr=False,
        transient=True,
        # If the predictions themselves go to the terminal, a counter would interrupt them.
        disable=not capture.error_console.is_terminal or (output is None and capture.console.is_terminal),
    )
    written = 0
    with output_stream(output, instead=capture.stdout) as file, count:
        task = count.add_task("", total=None)

        def counted() -> Iterator[dict[str, Any]]:
            nonlocal written
            for row in rows:
                yield row
                count.advance(task)
                written += 1

        write(counted(), file.buffer)
    return written


def _tell_failures(capture: Capture, failures: Failures) -> None:
    records = "record has" if failures.count == 1 else "records have"
    lines = [f"{failures.count} {records} no prediction:"]
    lines += [f"  {failure.place}: {failure.reason}" for failure in failures.first]
    if failures.count > len(failures.first):
        lines.append(f"  and {failures.count - len(failures.first)} more")
    capture.error_console.print("\n".join(lines), soft_wrap=True, markup=False, highlight=False)
