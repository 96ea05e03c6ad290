"""The answers of a loaded model for rows, with the keys of the rows: for files, and for requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.components.rows.row_keys import RowKeys
from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.components.serving.predictor import Failure, answer, outputs_of
from tfx_sequences.components.serving.row_prediction import Answered, joined_answers, outputs_at, parts_of
from tfx_sequences.components.serving.window_joining import Join, check_join, read_steps
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tfx_sequences.components.serving.loaded_model import LoadedModel


def answered(
    model: LoadedModel,
    batches: Iterable[RecordBatch],
    keys: RowKeys,
    on_failure: Callable[[Failure], None] | None = None,
    join: Join | None = None,
) -> Iterator[Answered]:
    """The records of rows with their answers, or one for each session.

    Args:
        model: The model.
        batches: Records without labels.
        keys: Names them.
        on_failure: Called for each record that cannot be predicted and is skipped; None raises.
        join: How answers for the windows of a session become one; None: each window has its own.

    Raises:
        DataError: A record cannot be predicted.
        UserInputError: The answers cannot be joined.
    """
    check_join(join, model.spec)
    windows = _answered(model, batches, keys, on_failure)
    return windows if join is None else joined_answers(windows, model.spec, join)


def _answered(
    model: LoadedModel,
    batches: Iterable[RecordBatch],
    keys: RowKeys,
    on_failure: Callable[[Failure], None] | None,
) -> Iterator[Answered]:
    before = 0
    for part in parts_of(batches):
        yield from _answered_part(model, part, keys, on_failure, before)
        before += int(part.begins.sum())


def _answered_part(
    model: LoadedModel, part: RecordBatch, keys: RowKeys, on_failure: Callable[[Failure], None] | None, before: int
) -> Iterator[Answered]:
    import tensorflow as tf

    groups, times, rows = keys.groups(part), keys.times(part), part.rows
    ends = np.concatenate([[0], np.cumsum(part.lengths)]).tolist()

    def where(record: int) -> str:
        named = ", ".join(f"{key} {value!r}" for key, value in groups[record].items())
        return f"the record of {named} from {times[ends[record]]} on"

    sessions = (before + np.cumsum(part.begins)).tolist()
    for places, outputs, _ in outputs_of(model, tf.constant(part.records.to_pylist()), where, on_failure):
        for index, record in enumerate(places):
            its = slice(ends[record], ends[record + 1])
            yield Answered(outputs_at(outputs, index), rows[its], sessions[record], groups[record], times[its])


def lines_of(
    record: Answered, spec: SequenceSpec, *, numbers: bool = False, top_k: int | None = None
) -> Iterator[dict[str, Any]]:
    """The answer as plain values, with the keys of its rows: one line, or one for each step if all labels are of steps.

    Args:
        record: The record.
        spec: The model's spec.
        numbers: Whether lines have the numbers of their rows too: `rows`, or `row` of a step.
        top_k: As in `predict_files`.
    """
    outputs = {name: value[None] for name, value in record.outputs.items()}
    plain, rows, times = answer(outputs, 0, spec, top_k), record.rows.tolist(), record.times
    group = {"group": dict(record.group)}
    if not all(label.per_step for label in spec.heads.values()):
        named = {"rows": rows} if numbers else {}
        yield {**named, **group, "first": times[0], "last": times[-1], "steps": len(times), **plain}
        return
    read = read_steps(len(times), record.outputs, spec)
    for step, (row, time) in enumerate(zip(rows[read], times[read], strict=True)):
        named = {"row": row} if numbers else {}
        yield {**named, **group, "time": time, **_of_step(plain, step)}


def _of_step(plain: Mapping[str, Any], step: int) -> dict[str, Any]:
    return {name: its[step] if isinstance(its, list) else _of_step(its, step) for name, its in plain.items()}
