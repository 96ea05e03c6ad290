"""`assert_resumable`: proves that an input resumes exactly where it was interrupted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.input.sequence_input import SequenceInput


def assert_resumable(dataset_fn: Callable[[], Any], *, steps: int | None = None) -> int:
    """Interrupts an input after every step and compares the batches after a restart.

    For each step, one input from `dataset_fn` is read up to the step and its state is saved. A second input
    is created, restored from that state, and must give the batches of an uninterrupted input. The two share
    nothing but the state: JSON for a `SequenceInput`, a `tf.train.Checkpoint` of
    the iterator for a `tf.data.Dataset`.

    Args:
        dataset_fn: Creates a new input at each call: a `SequenceInput` or a finite `tf.data.Dataset`.
        steps: Interrupt only after the first `steps` steps; None for all.

    Returns:
        The number of interruptions.

    Raises:
        AssertionError: Batches differ; the message names the step of the interruption.

    >>> assert_resumable(lambda: tf.data.Dataset.range(5).shuffle(5, seed=1, reshuffle_each_iteration=False))
    6
    """
    whole = list(_batches(dataset_fn()))
    last = len(whole) if steps is None else min(steps, len(whole))
    for step in range(last + 1):
        resumed = list(_resumed(dataset_fn, step))
        expected = whole[step:]
        if len(resumed) != len(expected):
            raise AssertionError(
                f"Interrupted after {step} steps, the input gave {len(resumed)} more batches; expected {len(expected)}."
            )
        for index, (got, want) in enumerate(zip(resumed, expected, strict=True)):
            if not _equal(got, want):
                raise AssertionError(
                    f"Interrupted after {step} steps, batch {step + index} differs from that of an uninterrupted run.\n"
                    f"  expected: {want}\n  received: {got}\n"
                    "  fix:      Draw all random numbers from a seed, independently of read-ahead."
                )
    return last + 1


def _batches(made: Any) -> Iterator[Any]:
    return map(_as_numpy, made)


def _resumed(dataset_fn: Callable[[], Any], step: int) -> Iterator[Any]:
    interrupted = dataset_fn()
    iterator = iter(interrupted)
    for _ in range(step):
        next(iterator)
    made = dataset_fn()
    if isinstance(interrupted, SequenceInput):
        made.restore(InputState.from_json(interrupted.state().to_json()))
        return _batches(made)
    with tempfile.TemporaryDirectory() as folder:
        path = tf.train.Checkpoint(iterator=iterator).write(os.path.join(folder, "iterator"))
        iterator = iter(made)
        tf.train.Checkpoint(iterator=iterator).read(path).assert_consumed()
        return iter(list(map(_as_numpy, iterator)))


def _as_numpy(batch: Any) -> Any:
    def value(x: Any) -> Any:
        return x.to_list() if isinstance(x, tf.RaggedTensor) else np.asarray(x)

    return tf.nest.map_structure(value, batch)


def _equal(left: Any, right: Any) -> bool:
    try:
        tf.nest.assert_same_structure(left, right)
    except (TypeError, ValueError):
        return False
    return all(map(_same, tf.nest.flatten(left), tf.nest.flatten(right)))


def _same(x: Any, y: Any) -> bool:
    is_float = isinstance(x, np.ndarray) and x.dtype.kind == "f"
    return np.array_equal(x, y, equal_nan=is_float)
