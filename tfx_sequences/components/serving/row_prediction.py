"""Answers for rows of tables, made into records by the code that makes those of training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from tfx_sequences.components.rows.frames import Frames, batches_from_rows
from tfx_sequences.components.rows.row_counts import RowCounts
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.serving.names import EXAMPLE_SIGNATURE, EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Run = Callable[[str, Mapping[str, np.ndarray]], dict[str, np.ndarray]]

# Number of records in one call of the model.
_BATCH = 256


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


def predict_rows(run: Run, spec: SequenceSpec, rows: Frames) -> RowPredictions:
    """The answers of a model for rows; see `LoadedModel.predict_rows`.

    Args:
        run: Calls a signature of the model, by its name and inputs.
        spec: The spec that the model was trained with.
        rows: See `records_from_rows`.
    """
    plan = RowPlan.of(spec, with_label=False)
    counts, places = RowCounts(), []
    answers: list[dict[str, np.ndarray]] = []
    signature = EXAMPLE_SIGNATURE if spec.payload == "Example" else SERVING_SIGNATURE
    for batch in batches_from_rows(rows, plan, counts):
        records = np.array(batch.records.to_pylist(), object)
        for first in range(0, len(records), _BATCH):
            answers.append(run(signature, {EXAMPLES: records[first : first + _BATCH]}))
        places += np.split(batch.rows, np.cumsum(batch.lengths)[:-1])
    names = answers[0] if answers else {}
    outputs = {name: _joined([answer[name] for answer in answers]) for name in names}
    return RowPredictions(outputs, places, counts)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
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
