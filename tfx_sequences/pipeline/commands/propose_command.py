"""`tfx-sequences propose`: proposes a spec from a schema file, or from records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tfx_sequences.pipeline.commands.command_options import OutputOption, on_this_machine, readable
from tfx_sequences.pipeline.commands.waiting import waiting

if TYPE_CHECKING:
    from pathlib import Path

    from tfx_sequences.components.records.paths import AnyPath
    from tfx_sequences.pipeline.commands.capture import Capture
    from tfx_sequences.schemas.proposal.proposal import Note, Proposal
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
    from tfx_sequences.schemas.spec.splits import Splits

# Number of batches of each file of rows that a proposal is made of.
_BATCHES = 4


def propose_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SCHEMA_OR_DATA",
            help="A schema's text file (schema.pbtxt), a TFRecord file, a file of rows (CSV, JSON lines, Parquet), or "
            "a folder of these; or a URI that TensorFlow reads.",
        ),
    ],
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="KEY",
            help="The label's key; guessed from the feature names if not given. Several labels give several heads.",
        ),
    ] = None,
    weight: Annotated[
        str | None, typer.Option("--weight", metavar="KEY", help="The key of the example weight.")
    ] = None,
    id_key: Annotated[str | None, typer.Option("--id", metavar="KEY", help="The key of the example id.")] = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="COLUMN", help="For rows: a column of rows.group_by.")
    ] = None,
    order: Annotated[
        str | None, typer.Option("--order", metavar="COLUMN", help="For rows: the column of rows.order_by.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The spec's name; by default that of the source.")
    ] = None,
    output: OutputOption = None,
) -> None:
    """Propose a spec for a schema or for records; comments in the file mark what was guessed.

    For records, TFDV first infers the schema from statistics of the training files. For rows, group, order, sessions
    and label are guessed from names and values.
    """
    from tfx_sequences.pipeline.commands.supervision import supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment, check_tensorflow_metadata
        from tfx_sequences.pipeline.commands.output_file import check_output_file

        found = readable("schema or data", source)
        target = on_this_machine("output", output)
        check_output_file(target)
        if _has_rows(found):
            with waiting(capture, f"Reading the rows in {source}"):
                proposal = _of_rows(found, label or [], group or [], order, name)
            _write(capture, proposal, source, output, target)
            return 0
        of_records = found.is_dir() or "tfrecord" in found.name.lower()
        if of_records:
            check_environment(needs_tfx=True)
        check_tensorflow_metadata()
        with waiting(capture, f"Reading the records in {source}" if of_records else f"Reading {source}"):
            proposal = _proposed(found, label=label, example_weight=weight, id_key=id_key, name=name)
        _write(capture, proposal, source, output, target)
        return 0

    raise typer.Exit(supervised(work))


def _write(capture: Capture, proposal: Proposal, source: str, output: str | None, target: Path | None) -> None:
    from tfx_sequences.pipeline.commands.output_file import output_stream

    with output_stream(target, instead=capture.stdout) as file:
        file.write(proposal.to_yaml(origin=source))
    if output is not None:
        told = f"Guesses to review: {len(proposal.notes)}; features left out: {len(proposal.left_out)}."
        capture.error_console.print(f"Spec written to {output}. {told}", soft_wrap=True, markup=False)


def _has_rows(source: AnyPath) -> bool:
    """Whether the source is a file of rows, or a folder with such files and without record files."""
    from tfx_sequences.components.records.files import list_record_files
    from tfx_sequences.components.rows.row_files import format_of

    if source.is_file():
        return format_of(source.name) is not None
    if not source.is_dir() or list_record_files(source):
        return False
    names = [path.name for path in source.iterdir()]
    return any(format_of(name) for name in names) and not any(name.endswith(".pbtxt") for name in names)


def _of_rows(source: AnyPath, labels: list[str], groups: list[str], order: str | None, name: str | None) -> Proposal:
    """The proposal for files of rows, from the first of their rows."""
    from itertools import islice

    from tfx_sequences.components.rows.proposed_rows import propose_rows
    from tfx_sequences.components.rows.row_files import find_row_files
    from tfx_sequences.components.rows.row_reading import read_rows
    from tfx_sequences.errors import SpecError
    from tfx_sequences.schemas.spec.splits import Splits

    if len(labels) > 1:
        raise SpecError("A spec for rows is proposed with one label.", fix="Add the others to the spec as `labels`.")
    files = find_row_files(source, Splits())
    tables = (raw.table for file in files if file.split == "train" for raw in islice(read_rows(file, None), _BATCHES))
    label = labels[0] if labels else None
    spec_name = _spec_name(source) if name is None else name
    return propose_rows(tables, label=label, group_by=groups, order_by=order, name=spec_name)


def _proposed(
    source: AnyPath,
    *,
    label: list[str] | None,
    example_weight: str | None = None,
    id_key: str | None = None,
    name: str | None,
) -> Proposal:
    """The proposal for a schema's text file, a TFRecord file, or a folder of either.

    Args:
        source: The file or folder. In a folder, the training files are read: those that match `train*`, or a pattern
            guessed from the names.
        label: See `propose_spec`.
        example_weight: Key of the example weight.
        id_key: Key of the example id.
        name: Name of the spec; None derives it from the source's name.

    Raises:
        UserInputError: The source does not exist or cannot be read, or the label cannot be guessed.
    """
    from tfx_sequences.components.records.paths import RemotePath
    from tfx_sequences.errors import UserInputError
    from tfx_sequences.schemas.proposal.proposal import Proposal
    from tfx_sequences.schemas.proposal.propose import propose_spec

    roles: dict[str, Any] = {"label": label, "example_weight": example_weight, "id_key": id_key}
    name = _spec_name(source) if name is None else name
    if not source.exists():
        raise UserInputError(
            "The schema or data does not exist.",
            expected="a schema's text file (schema.pbtxt), a TFRecord file, or a folder of either",
            received=str(source),
            fix="Check the path.",
        )
    if source.is_file() and "tfrecord" not in source.name.lower():
        schema = source.read_text() if isinstance(source, RemotePath) else source
        return propose_spec(schema, **roles, name=name)
    from tfx_sequences.schemas.spec.splits import Splits

    files, splits, notes = ([source], Splits(), ()) if source.is_file() else _training_files(source)
    from tfx_sequences.components.records.byte_samples import sample_bytes
    from tfx_sequences.components.records.opening import holds_example_lists
    from tfx_sequences.components.records.schema_inference import infer_schema
    from tfx_sequences.pipeline.beam_engines import beam_pipeline_args

    schema = infer_schema(files, beam_args=beam_pipeline_args(()))
    proposal = propose_spec(schema, **roles, name=name, bytes_samples=sample_bytes(files))
    from tfx_sequences.components.records.refined_proposal import refined_proposal

    # Example lists are read as SequenceExamples, which the schema shows; the spec says how they are stored.
    stored = {"record": "ELWC"} if any(map(holds_example_lists, files)) else {}
    spec = proposal.spec.model_copy(update={**stored, "splits": splits})
    proposal = Proposal(spec, (*notes, *proposal.notes), proposal.left_out)
    proposal = refined_proposal(proposal, files, source if source.is_dir() else None)
    return Proposal(proposal.spec, (*proposal.notes, *_of_numbers(files, proposal.spec)), proposal.left_out)


def _training_files(folder: AnyPath) -> tuple[list[AnyPath], Splits, tuple[Note, ...]]:
    """The files of `train`, with the patterns of the splits and a note if they are not the default ones."""
    from tfx_sequences.components.records.files import find_split_files, guess_splits
    from tfx_sequences.errors import DataError
    from tfx_sequences.schemas.proposal.proposal import Note
    from tfx_sequences.schemas.spec.splits import Splits

    try:
        return find_split_files(folder, Splits())["train"], Splits(), ()
    except DataError:
        splits = guess_splits(folder)
        if splits is None:
            raise
        note = Note("splits", "file patterns guessed from the names of the files")
        return find_split_files(folder, splits)["train"], splits, (note,)


def _of_numbers(files: list[AnyPath], spec: SequenceSpec) -> list[Note]:
    """The normalizer that `auto` chooses for each numeric column, if it is not the default."""
    from tfx_sequences.components.records.number_figures import NumberFigures
    from tfx_sequences.errors import DataError
    from tfx_sequences.schemas.proposal.proposal import Note

    try:
        choices = NumberFigures.of_files(files, spec).choices()
    except DataError:
        return []  # The check of the records reports what is wrong with them.
    return [
        Note(name, f"for these records, auto chooses the normalizer {choice.normalizer}: {choice.why}")
        for name, choice in choices.items()
        if choice.normalizer != "z_score"
    ]


def _spec_name(source: AnyPath) -> str:
    words = re.sub(r"[^A-Za-z0-9_-]+", "_", source.resolve().name.partition(".")[0]).strip("_-")
    return words[:63] if re.match("[A-Za-z]", words) and words != "schema" else "proposed"
