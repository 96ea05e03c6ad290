"""Where an input stands: small, plain data to save with a model's checkpoint."""

from __future__ import annotations

import os
from typing import Any

import pydantic

from tfx_sequences.components.input.bucket_queue import micro_batch_rows
from tfx_sequences.components.input.epoch_reader import Source
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.base import Declared
from tfx_sequences.schemas.spec.spec_io import digest_of


class InputState(Declared):
    """Where a `SequenceInput` stands.

    It holds no records and nothing of what is prefetched: `epoch` and `step` say all,
    for the batches are a function of them. `position`, a `ReaderPosition` as plain data, only saves
    reading the epoch from its beginning.

    >>> state = InputState(source="0f", num_workers=1, epoch=3, step=17)
    >>> InputState.from_json(state.to_json()) == state
    True
    """

    source: str
    """Digest of what the batches depend on: names of the files, plan, batching, seed, training or not."""
    num_workers: pydantic.PositiveInt
    epoch: pydantic.NonNegativeInt
    step: pydantic.NonNegativeInt
    """Steps of the epoch that were taken, of this worker."""
    position: dict[str, Any] | None = None

    def to_json(self) -> str:
        """The state as JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> InputState:
        """The inverse of `to_json`."""
        return cls.model_validate_json(text)

    def check(self, source: str, num_workers: int) -> None:
        """Raises `UserInputError` if this is not a state of an input with that digest."""
        if self.source != source:
            raise UserInputError(
                "The state of the input is one of another input.",
                expected="the files, bucket plan, batching, seed and record kind of the interrupted run",
                received=f"an input with digest {source}, a state of {self.source}",
                fix="Resume with what the run had, and with its version of tfx-sequences, or begin anew.",
            )
        if self.num_workers != num_workers:
            raise UserInputError(
                "The state of the input is one of another number of workers.",
                expected=f"{self.num_workers} workers",
                received=f"{num_workers}",
                fix="Resume with as many workers, or begin the epoch anew.",
            )


def source_digest(source: Source) -> str:
    """Digest of all that the batches of an input depend on."""
    spec = source.spec
    depends = {
        "files": [os.path.basename(file) for file in source.files],
        "plan": source.plan.model_dump(mode="json"),
        "micro_batches": [micro_batch_rows(size) for size in source.plan.batch_sizes],
        "batching": spec.batching.model_dump(mode="json"),
        "seed": spec.training.seed,
        "training": source.training,
        "record": spec.record,
    }
    return digest_of(depends)[:32]
