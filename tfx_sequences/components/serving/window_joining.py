"""One answer from those for several windows of a recording: for the recording, or for each of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, PREDICTED_CLASS, PREDICTIONS, SCORES
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

Join = Literal["mean", "max", "vote"]


def check_join(join: Join | None, spec: SequenceSpec) -> None:
    """Raises if the answers for a spec's labels cannot be joined in this way.

    Raises:
        UserInputError: A label is a forecast, or numbers are to vote.
    """
    for name, label in spec.heads.items() if join else ():
        what = f"the label '{label.key or name}'"
        if label.kind.from_windows:
            raise UserInputError(
                f"The answers for windows of {what} cannot be joined.",
                expected="a label of records or steps",
                received="a forecast, whose answers are for different times",
                fix="Leave out `join`: each window has its own forecast.",
            )
        if join == "vote" and SCORES not in label.kind.outputs:
            raise UserInputError(
                f"Windows cannot vote on {what}.",
                expected="classes",
                received=f"numbers (type: {label.type})",
                fix="Use mean or max.",
            )


def read_steps(steps: int, outputs: Mapping[str, np.ndarray], spec: SequenceSpec) -> slice:
    """Which steps of a record the network read, and have answers: not those beyond `batching.max_length`.

    Args:
        steps: Number of steps of the record.
        outputs: Those of `serving_default`, without the dimension of the batch.
        spec: The model's spec.
    """
    real = min(steps, int(outputs.get(SEQUENCE_LENGTH, steps)))
    return slice(steps - real, steps) if spec.batching.truncate == "head" else slice(real)


def joined(
    outputs: Sequence[Mapping[str, np.ndarray]], rows: Sequence[np.ndarray], spec: SequenceSpec, join: Join
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The answer for a recording.

    Scores and numbers are the mean or the maximum of those of all windows; for labels of steps, of all windows that
    have the step. With `vote`, a score is the share of the windows that predict the class. `predicted_class` has the
    greatest score, and is the first of several in the order of the classes.

    Args:
        outputs: Those of `serving_default` for each window, without the dimension of the batch.
        rows: int `[T]` of each window: its rows.
        spec: The model's spec.
        join: How.

    Returns:
        Outputs of the recording in the same form, and its rows.
    """
    rows = [its[read_steps(len(its), window, spec)] for its, window in zip(rows, outputs, strict=True)]
    every = np.concatenate(rows)
    _, first, inverse = np.unique(every, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    step, found = rank[np.ravel(inverse)], every[np.sort(first)]
    answer: dict[str, np.ndarray] = {}
    for head, label in spec.heads.items():
        prefix = spec.output_prefix(head)
        name = SCORES if SCORES in label.kind.outputs else PREDICTIONS
        if label.per_step:
            parts = [its[prefix + name][: len(steps)] for its, steps in zip(outputs, rows, strict=True)]
            values = np.concatenate(parts)
            places = step
        else:
            values = np.stack([its[prefix + name] for its in outputs])
            places = np.zeros(len(outputs), np.int64)
        if join == "vote":
            values = _votes(values, several=label.kind.has_several_classes)
        combined = _combined(values, places, "max" if join == "max" else "mean")
        combined = combined if label.per_step else combined[0]
        answer[prefix + name] = combined
        if CLASSES in label.kind.outputs:
            answer[prefix + CLASSES] = outputs[0][prefix + CLASSES]
        if PREDICTED_CLASS in label.kind.outputs:
            answer[prefix + PREDICTED_CLASS] = np.asarray(outputs[0][prefix + CLASSES][combined.argmax(-1)], object)
    answer[SEQUENCE_LENGTH] = np.asarray(len(found))
    return answer, found


def _votes(scores: np.ndarray, *, several: bool) -> np.ndarray:
    """What each window predicts, as scores of 0 and 1."""
    if several:
        return (scores >= 0.5).astype(np.float32)
    return np.eye(scores.shape[-1], dtype=np.float32)[scores.argmax(-1)]


def _combined(values: np.ndarray, places: np.ndarray, how: str) -> np.ndarray:
    """Values `[N, ...]` of the same place as one, `[places, ...]`."""
    shape = (int(places.max(initial=-1)) + 1, *values.shape[1:])
    if how == "max":
        found = np.full(shape, -np.inf)
        np.maximum.at(found, places, values)
    else:
        found = np.zeros(shape)
        np.add.at(found, places, values)
        found /= np.bincount(places).reshape(-1, *[1] * (values.ndim - 1))
    return found.astype(values.dtype)
