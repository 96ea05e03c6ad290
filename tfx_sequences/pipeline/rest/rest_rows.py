"""Requests of flat rows: grouped, sorted and cut into records as in training, and answered with the keys of the rows.

TensorFlow Serving has no such requests, so they have a verb of their own, `:predictRows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import numpy as np

from tfx_sequences.components.rows.frames import batches_from_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_keys import RowKeys
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_records import RecordBatch
from tfx_sequences.components.rows.row_table import RowTables
from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.components.serving.names import EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.components.serving.row_answers import answered, lines_of
from tfx_sequences.components.serving.row_prediction import parts_of
from tfx_sequences.components.serving.window_joining import Join
from tfx_sequences.errors import did_you_mean, shortened
from tfx_sequences.pipeline.rest.rest_limits import Limits, RestError, Work, check_padded_steps, check_sizes

_KEYS = ("rows", "join")


def answer_rows(model: LoadedModel, request: Mapping[str, Any], limits: Limits) -> tuple[dict[str, Any], Work]:
    """The answer to a request of rows, and what the request takes.

    Args:
        model: A model of a spec with `rows`.
        request: `rows`, a list of objects with a value for each column, and optionally `join`.
        limits: Limits of the request.

    Returns:
        `predictions`: the lines that `tfx-sequences predict` writes, with the numbers of their rows in the request.

    Raises:
        RestError: A key or a value does not fit, or a limit is exceeded.
        UserInputError: The rows cannot be used.
    """
    rows, join = _checked(request, limits)
    tables = RowTables(RowPlan.of(model.spec, with_label=False))
    work: list[Work] = []
    batches = _limited(batches_from_rows(rows, tables, RowCounts()), model, limits, work)
    records = answered(model, batches, RowKeys(tables), join=join)
    answer = {"predictions": [line for record in records for line in lines_of(record, model.spec, numbers=True)]}
    return answer, sum(work, Work())


def _checked(request: Mapping[str, Any], limits: Limits) -> tuple[list[dict[str, Any]], Join | None]:
    for key in request:
        if key not in _KEYS:
            raise RestError(400, f"Unknown key '{key}'.{did_you_mean(key, _KEYS)} Known keys: {shortened(_KEYS)}.")
    rows, join = request.get("rows"), request.get("join")
    if not isinstance(rows, list) or not rows:
        raise RestError(400, "Expected 'rows', a list of objects with a value for each column.")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RestError(400, f"rows[{number}] is not an object with a value for each column.")
    if len(rows) > limits.padded_steps:
        raise RestError(413, f"The request has {len(rows)} rows; at most {limits.padded_steps} are allowed.")
    if join is not None and join not in get_args(Join):
        raise RestError(400, f"'join' is {join!r}; expected {shortened(get_args(Join))}, or leave it out.")
    return rows, join


def _limited(
    batches: Iterable[RecordBatch], model: LoadedModel, limits: Limits, work: list[Work]
) -> Iterator[RecordBatch]:
    """The batches, if their records are within the limits of a request; adds to `work` what they take."""
    records = longest = 0
    for batch in batches:
        records += len(batch.lengths)
        longest = max(longest, int(batch.lengths.max(initial=0)))
        if records > limits.rows:
            raise RestError(413, f"The rows are more than {limits.rows} records; send fewer groups at a time.")
        if longest > limits.steps:
            raise RestError(400, f"A record has {longest} steps; at most {limits.steps} are allowed.")
        for part in parts_of([batch]):
            inputs = {EXAMPLES: np.array(part.records.to_pylist(), object)}
            work.append(check_sizes(model, SERVING_SIGNATURE, inputs, limits))
            check_padded_steps(records, longest, limits, sum(its.padded_steps for its in work))
        yield batch
