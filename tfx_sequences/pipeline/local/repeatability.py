"""Checks that the Beam engine allows bit-for-bit repeatable runs, as `training.deterministic` promises."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

ORDERED_COMPONENTS = ("SequenceExampleGen", "SequenceRowsGen", "Transform")
"""Components whose results depend on the order in which Beam processes elements."""


def check_repeatable(spec: SequenceSpec, beam_args: Sequence[str], component: str = "The run") -> None:
    """Raises if the spec promises repeatable results, but the engine does not keep the order of records.

    Args:
        spec: The spec.
        beam_args: Beam's options, as returned by `beam_pipeline_args`.
        component: Name of what they configure, for the message.

    Raises:
        UserInputError: The engine is not Beam's in-process runner with one worker.

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
        f"training.deterministic is true, but {component} would use an engine that does not keep the order of records.",
        expected="--beam-runner direct (FnApiRunner) with one worker, for ingestion and Transform",
        received=f"runner {runner or 'not named'}" + (f" with {workers} workers" if workers != 1 else ""),
        fix="Leave out --beam-runner, or set training.deterministic to false. Then the Trainer still gives the same "
        "bits from the same transformed records.",
    )
