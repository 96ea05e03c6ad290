"""Records whose right answer is known: each step is the last one with probability 0.2, whatever came before.

So a model of the steps must answer 0.2 at each of them, and no model has a smaller expected loss than the entropy of
that coin, 0.5004 nats. A test split of 2 000 records has an entropy of its own, which `entropy` gives.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

END = 0.2
POSITIONS = (0, 1, 2, 4, 8)
"""Steps for which a table has the mean predicted probability; the last stands for itself and all later ones."""


@dataclasses.dataclass(frozen=True)
class Records:
    """Records: a number per step that says nothing, and whether the step is the last one.

    Attributes:
        values: The numbers of each record, float32 `[T]`.
    """

    values: list[np.ndarray]

    @property
    def lengths(self) -> np.ndarray:
        """Steps of each record, int64 `[N]`."""
        return np.array([len(value) for value in self.values])

    def padded(self, rows: Any = slice(None)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Numbers `[B, T, 1]`, targets `[B, T]` (1 in the last step) and mask `[B, T]`, padded on the right."""
        chosen = [self.values[row] for row in np.arange(len(self.values))[rows]]
        lengths = np.array([len(value) for value in chosen])
        real = np.arange(lengths.max()) < lengths[:, None]
        numbers = np.zeros(real.shape, np.float32)
        numbers[real] = np.concatenate(chosen)
        return numbers[..., None], (np.arange(real.shape[1]) == lengths[:, None] - 1).astype(np.int64), real


def records(number: int, seed: int) -> Records:
    """So many records, the same for the same seed."""
    random = np.random.default_rng(seed)
    lengths = random.geometric(END, number)
    return Records(np.split(random.normal(size=lengths.sum()).astype(np.float32), np.cumsum(lengths)[:-1]))


def write(path: Path, found: Records) -> None:
    """Writes them as SequenceExamples: `x`, and the label `next` of each step, `go` or `end`."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path)) as file:
        for value in found.values:
            record = tf.train.SequenceExample()
            steps = record.feature_lists.feature_list
            for x in value:
                steps["x"].feature.add().float_list.value.append(x)
                steps["next"].feature.add().bytes_list.value.append(b"go")
            steps["next"].feature[-1].bytes_list.value[0] = b"end"
            file.write(record.SerializeToString())


def entropy(found: Records) -> float:
    """The loss of the best answer, which is 0.2 at each step, on these records; in nats."""
    steps, ends = found.lengths.sum(), len(found.values)
    return float(-(ends * np.log(END) + (steps - ends) * np.log(1 - END)) / steps)


def figures(found: Records, probability: np.ndarray) -> dict[str, Any]:
    """The loss, and the mean probability of the end by position.

    Args:
        found: Test records.
        probability: Of the end, `[N, T]`, padded on the right.
    """
    _, targets, real = found.padded()
    probability = np.clip(probability[:, : real.shape[1]].astype(np.float64), 1e-9, 1 - 1e-9)
    loss = -np.where(targets == 1, np.log(probability), np.log1p(-probability))[real].mean()
    at = {}
    for position in POSITIONS:
        steps = slice(position, None if position == POSITIONS[-1] else position + 1)
        at[str(position)] = float(probability[:, steps][real[:, steps]].mean())
    return {"loss": float(loss), "at": at}
