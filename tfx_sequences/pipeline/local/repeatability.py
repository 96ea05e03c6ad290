"""Whether the engine of Beam lets a run be repeated bit for bit, as `training.deterministic` promises."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

ORDERED_COMPONENTS = ("SequenceExampleGen", "Transform")
"""Those whose results depend on the order in which Beam hands elements on."""


def check_repeatable(spec: SequenceSpec, beam_args: Sequence[str], component: str = "The run") -> None:
    """Raises where the spec promises the same bits, and the engine does not keep the order of the records.

    Args:
        spec: The spec.
        beam_args: Options of Beam, as `beam_pipeline_args` made them.
        component: What they are of, for the message.

    Raises:
        UserInputError: The engine is not Beam's own in one process, with one worker.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> check_repeatable(load_spec("japanese_vowels"), ["--runner=PrismRunner"])
    """
    if not spec.training.deterministic:
        return
    from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

    options = PipelineOptions([*beam_args])
    runner = (options.view_as(StandardOptions).runner or "").rpartition(".")[2]
    workers = options.view_as(DirectOptions).direct_num_workers
    if runner == "FnApiRunner" and workers == 1:
        return
    raise UserInputError(
        f"training.deterministic is true, but {component} is to use an engine that does not keep the order of records.",
        expected="--beam-runner direct (FnApiRunner) with one worker, for ingestion and Transform",
        received=f"runner {runner or 'not named'}" + (f" with {workers} workers" if workers != 1 else ""),
        fix="Leave the engine out, or set training.deterministic to false: then the Trainer still gives the same bits "
        "from the same transformed records.",
    )
