"""The position of an input: small, plain data to save with a model's checkpoint."""

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
    """The position of a `SequenceInput`.

    It contains neither records nor prefetched data: `epoch` and `step` are sufficient,
    because the batches are a function of them. `position`, a `ReaderPosition` as plain data, only avoids
    reading the epoch from its beginning.

    >>> state = InputState(source="0f", num_workers=1, epoch=3, step=17)
    >>> InputState.from_json(state.to_json()) == state
    True
    """

    source: str
    """Digest of everything the batches depend on: file names, plan, batching, seed, training or not."""
    num_workers: pydantic.PositiveInt
    epoch: pydantic.NonNegativeInt
    step: pydantic.NonNegativeInt
    """Steps of the epoch that this worker took."""
    position: dict[str, Any] | None = None

    def to_json(self) -> str:
        """The state as JSON."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> InputState:
        """The inverse of `to_json`."""
        return cls.model_validate_json(text)

    def check(self, source: str, num_workers: int) -> None:
        """Raises `UserInputError` if this state does not belong to an input with that digest."""
        if self.source != source:
            raise UserInputError(
                "This saved state belongs to a different input.",
                expected="the files, bucket plan, batching, seed and record type of the interrupted run",
                received=f"an input with digest {source}, but a state with digest {self.source}",
                fix="Resume with the inputs and the tfx-sequences version of that run, or start from the beginning.",
            )
        if self.num_workers != num_workers:
            raise UserInputError(
                "This saved state belongs to a different number of workers.",
                expected=f"{self.num_workers} workers",
                received=f"{num_workers}",
                fix="Resume with that number of workers, or start the epoch from its beginning.",
            )


def source_digest(source: Source) -> str:
    """Digest of everything that the batches of an input depend on."""
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
