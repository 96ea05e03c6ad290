"""The work of the command `propose`: a spec from a schema file, or from records."""

from __future__ import annotations

import re
from pathlib import Path

from tfx_sequences.components.records.files import find_split_files, list_record_files
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.proposal.proposal import Note, Proposal
from tfx_sequences.schemas.proposal.propose import propose_spec
from tfx_sequences.schemas.spec.sequence_spec import Splits


def propose(
    source: Path, *, label: str | None, example_weight: str | None = None, id_key: str | None = None, name: str | None
) -> Proposal:
    """The proposal for a schema's text file, a TFRecord file, or a folder of those.

    Args:
        source: The file or folder. Of a folder, the training files are read (`train*`); if
            there are none, all record files.
        label: See `propose_spec`; so for `example_weight` and `id_key`.
        example_weight: Key of the weight.
        id_key: Key of the id.
        name: Name of the spec; None makes one of the source's name.

    Raises:
        UserInputError: There is no such source, it cannot be read, or the label is not told.
    """
    roles = {"label": label, "example_weight": example_weight, "id_key": id_key}
    name = _spec_name(source) if name is None else name
    if not source.exists():
        raise UserInputError(
            "There is no such schema or data.",
            expected="a schema's text file (schema.pbtxt), a TFRecord file, or a folder of those",
            received=str(source),
            fix="Check the path.",
        )
    if source.is_file() and "tfrecord" not in source.name.lower():
        return propose_spec(source, **roles, name=name)
    files, notes = ([source], ()) if source.is_file() else _training_files(source)
    from tfx_sequences.components.records.schema_inference import infer_schema
    from tfx_sequences.pipeline.beam_engines import beam_pipeline_args

    proposal = propose_spec(infer_schema(files, beam_args=beam_pipeline_args(())), **roles, name=name)
    return Proposal(proposal.spec, (*notes, *proposal.notes), proposal.left_out)


def _training_files(folder: Path) -> tuple[list[Path], tuple[Note, ...]]:
    try:
        return find_split_files(folder, Splits())["train"], ()
    except DataError as error:
        files = list_record_files(folder)
        if not files:
            raise
        # A run will ask for it too: the hint is worth more in the file.
        return files, (Note("splits", f"all record files were read. {error.fix}".rstrip(".")),)


def _spec_name(source: Path) -> str:
    words = re.sub(r"[^A-Za-z0-9_-]+", "_", source.resolve().name.partition(".")[0]).strip("_-")
    return words[:63] if re.match("[A-Za-z]", words) and words != "schema" else "proposed"
