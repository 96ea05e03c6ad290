"""Answers for rows of tables, made into records by the code that makes those of training."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tfx_sequences.components.rows.frames import Frames, batches_from_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.components.serving.names import EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.components.serving.window_joining import Join, check_join, joined
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Run = Callable[[str, Mapping[str, np.ndarray]], dict[str, np.ndarray]]

# Number of records in one call of the model, and of their steps with padding.
_BATCH = 256
_PADDED_STEPS = 200_000


@dataclasses.dataclass(frozen=True)
class RowPredictions:
    """Answers for the records of rows, which are ordered by group and time.

    Attributes:
        outputs: The outputs of the signature, by name; of `[R, ...]` each. Outputs of steps are padded to the longest
            record.
        rows: For each record the numbers of its rows, from 0 on, in the order of its steps.
        counts: What became of the rows; rows that are cut have no answer.
    """

    outputs: dict[str, np.ndarray]
    rows: list[np.ndarray]
    counts: RowCounts


@dataclasses.dataclass(frozen=True)
class Answered:
    """A record of rows with its answer.

    Attributes:
        outputs: Those of `serving_default`, without the dimension of the batch.
        rows: int64 `[T]`: the numbers of its rows.
        session: The number of its session.
        group: The values of `group_by`.
        times: The time of each row, `[T]`; without `order_by` its name.
    """

    outputs: Mapping[str, np.ndarray]
    rows: np.ndarray
    session: int
    group: Mapping[str, Any]
    times: list[Any]


def predict_rows(run: Run, spec: SequenceSpec, rows: Frames, join: Join | None = None) -> RowPredictions:
    """The answers of a model for rows; see `LoadedModel.predict_rows`.

    Args:
        run: Calls a signature of the model, by its name and inputs.
        spec: The spec that the model was trained with.
        rows: See `records_from_rows`.
        join: How answers for the windows of a session become one; None: each window has its own.
    """
    check_join(join, spec)
    tables = RowTables(RowPlan.of(spec, with_label=False))
    counts, places, begins = RowCounts(), [], []
    answers: list[dict[str, np.ndarray]] = []
    for part in parts_of(batches_from_rows(rows, tables, counts)):
        answers.append(run(SERVING_SIGNATURE, {EXAMPLES: np.array(part.records.to_pylist(), object)}))
        places += np.split(part.rows, np.cumsum(part.lengths)[:-1])
        begins += part.begins.tolist()
    if join is not None:
        every = (outputs_at(outputs, row) for outputs in answers for row in range(len(next(iter(outputs.values())))))
        windows = (Answered(*its, {}, []) for its in zip(every, places, np.cumsum(begins).tolist(), strict=True))
        whole = list(joined_answers(windows, spec, join))
        answers = [{name: value[None] for name, value in its.outputs.items()} for its in whole]
        places = [its.rows for its in whole]
    names = answers[0] if answers else {}
    outputs = {name: _stacked([answer[name] for answer in answers]) for name in names}
    return RowPredictions(outputs, places, counts)


def parts_of(batches: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """The records of one call of the model after another."""
    return (part for batch in batches for part in batch.parts(_BATCH, _PADDED_STEPS))


def outputs_at(outputs: Mapping[str, np.ndarray], row: int) -> dict[str, np.ndarray]:
    """The outputs of one record, without the dimension of the batch."""
    # With an ellipsis, also a single text is an array.
    return {name: value[row, ...] for name, value in outputs.items()}


def joined_answers(windows: Iterable[Answered], spec: SequenceSpec, join: Join) -> Iterator[Answered]:
    """The answers for sessions, from those for their windows."""
    for session, several in itertools.groupby(windows, lambda window: window.session):
        its = list(several)
        outputs, rows = joined([window.outputs for window in its], [window.rows for window in its], spec, join)
        named = {row: time for window in its for row, time in zip(window.rows.tolist(), window.times, strict=False)}
        times = [named[row] for row in rows.tolist()] if named else []
        yield Answered(outputs, rows, session, its[0].group, times)


def _stacked(parts: list[np.ndarray]) -> np.ndarray:
    """Batches one after another, padded with zeros (or empty strings) to the longest record."""
    if parts[0].ndim > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [_padded(part, longest) for part in parts]
    return np.concatenate(parts)


def _padded(part: np.ndarray, length: int) -> np.ndarray:
    found = np.zeros((len(part), length, *part.shape[2:]), part.dtype)
    if part.dtype == object:
        found[...] = b""
    found[:, : part.shape[1]] = part
    return found
