"""The limits of requests, and the errors of requests that exceed them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.components.serving.names import EXAMPLES

# Requests that the model computes at the same time; the others wait.
CALLS_AT_A_TIME = 2


class RestError(Exception):
    """An invalid request, with its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of a request.

    Attributes:
        body_bytes: Maximum size of the body, after decompression.
        rows: Maximum of `B`.
        steps: Maximum of `T` (with padding), or of the steps of a record.
        padded_steps: Maximum of all steps that the network computes, where rows are padded to the longest one in their
            group.
        memory_bytes: Memory for the padded tensors of all requests in work. A request gets its share: rows that do not
            fit into it together are computed in groups.
        connections_of_client: Maximum of open connections of one address.
    """

    body_bytes: int = 16 << 20
    rows: int = 4096
    steps: int = 100_000
    padded_steps: int = 1_000_000
    memory_bytes: int = 2 << 30
    connections_of_client: int = 1000

    @property
    def memory_of_a_call(self) -> int:
        """Bytes for one of the calls at a time."""
        return self.memory_bytes // CALLS_AT_A_TIME


def check_rows(rows: int, limits: Limits) -> None:
    """Rejects a request with too many rows.

    Raises:
        RestError: There are too many.
    """
    if rows > limits.rows:
        raise RestError(400, f"The request has {rows} rows; at most {limits.rows} are allowed.")


def check_padded_steps(rows: int, longest: int, limits: Limits, padded: int | None = None) -> None:
    """Rejects a request whose rows would take too long to compute.

    Args:
        rows: The number of rows.
        longest: Steps of the longest row.
        limits: Limits of a request.
        padded: Steps with padding; by default all rows are as long as the longest.

    Raises:
        RestError: There are too many padded steps.

    >>> check_padded_steps(2, 100_000, Limits())
    """
    padded = rows * longest if padded is None else padded
    if padded > limits.padded_steps:
        raise RestError(
            413,
            f"The request has {rows} rows, and the longest one has {longest} steps: {padded} steps with padding. At "
            f"most {limits.padded_steps} are allowed. Send fewer rows, and long rows in requests of their own.",
        )


@dataclasses.dataclass(frozen=True)
class Work:
    """What a request takes.

    Attributes:
        rows: The number of rows.
        steps: Their steps.
        padded_steps: The same with padding.
        memory_bytes: Memory of the largest group of rows, and of the answer.
    """

    rows: int = 0
    steps: int = 0
    padded_steps: int = 0
    memory_bytes: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.rows + other.rows,
            self.steps + other.steps,
            self.padded_steps + other.padded_steps,
            max(self.memory_bytes, other.memory_bytes),
        )


def check_sizes(model: LoadedModel, signature_name: str, inputs: Mapping[str, np.ndarray], limits: Limits) -> Work:
    """Rejects a request with a row that is too long, or that does not fit into memory even alone.

    Returns:
        What the request takes.

    Raises:
        RestError: A limit is exceeded.
    """
    if EXAMPLES in inputs:
        for row, steps in enumerate(model.steps_of(inputs[EXAMPLES], signature_name)):
            if steps > limits.steps:
                raise RestError(400, f"Row {row} has {steps} steps; at most {limits.steps} are allowed.")
    sizes = model.sizes_of(signature_name, inputs)
    if sizes is None or not len(sizes):
        return Work()
    memory, budget = model.calls.memory, limits.memory_of_a_call
    groups = memory.groups(sizes, budget) if model.is_grouped(signature_name) else [np.arange(len(sizes))]
    steps = sizes.steps.max(axis=1, initial=0)
    padded = sum(len(rows) * int(steps[rows].max()) for rows in groups)
    check_padded_steps(len(sizes), int(steps.max()), limits, padded)
    most = 0
    for rows in groups:
        needed = memory.of_rows(len(rows), sizes.of(rows))
        if needed > budget:
            named = f"Row {rows[0]} has" if len(rows) == 1 else f"The request has {len(rows)} rows of up to"
            _refuse(f"{named} {int(steps[rows].max())} steps and needs", needed, budget, "Send shorter or fewer rows")
        most = max(most, needed)
    needed = memory.of_answer(signature_name, sizes)
    if needed > budget:
        what = f"The request has {len(sizes)} rows of up to {int(steps.max())} steps, and its padded answer needs"
        _refuse(what, needed, budget, "Send long rows in requests of their own")
    return Work(len(sizes), int(steps.sum()), padded, most + needed)


def _refuse(what: str, needed: int, budget: int, fix: str) -> None:
    raise RestError(
        413,
        f"{what} about {_mib(needed)} MiB of memory. At most {_mib(budget)} MiB are available for a request. {fix}, or "
        "start the server with a larger --max-memory.",
    )


def _mib(size: int) -> int:
    return -(-size // (1 << 20))
