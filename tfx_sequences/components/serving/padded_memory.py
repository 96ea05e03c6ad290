"""The memory that a model needs for rows that are padded to a common length, and groups of rows that fit into it.

All rows of one call are padded to the longest of them. So a long row among many short ones makes all of them long, and
the memory of a call is determined by a product: rows, times steps of the longest, times bytes of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.serving.record_sizes import SizedInput, Sizes, sized_inputs
from tfx_sequences.schemas.columns.column import IdColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Bytes of one value. A string is an object of 24 bytes beside its text.
_BYTES = {"float32": 4, "int64": 8, "string": 24}
# How often the tensors of the inputs exist at the same time: parsed, transformed, padded, by time and joined. Measured
# with models of every kind of column: up to five times.
_COPIES_OF_INPUTS = 6
# Most steps of a call with padding: more at once are not faster.
_PADDED_STEPS = 200_000
# Bytes of a number in an answer as JSON: an array's, a Python object with its place in a list, and the text.
_BYTES_IN_ANSWER = 80


class PaddedMemory:
    """What calls of one model take.

    Args:
        spec: The model's spec.
        variables: Shapes of the network's variables.
        outputs: The `tf.TensorSpec` of the outputs of each signature, by its name.
    """

    def __init__(
        self, spec: SequenceSpec, variables: Iterable[Sequence[int]], outputs: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.inputs: list[SizedInput] = sized_inputs(spec)
        self._most_steps = spec.batching.max_length
        self._bytes = np.array([_COPIES_OF_INPUTS * _bytes_of(its) for its in self.inputs], np.int64)
        self._are_steps = np.array([its.feature.is_sequence and not its.feature.clock for its in self.inputs], bool)
        self._are_tokens = np.array([its.tokens_are_steps for its in self.inputs], bool)
        self._of_step = _width(spec, [tuple(shape) for shape in variables]) * _BYTES["float32"]
        self._answers = {name: _answered_by_step(its) for name, its in outputs.items()}

    def of_rows(self, rows: int, sizes: Sizes) -> int:
        """Bytes of a call with the given number of rows, each as large as the largest of `sizes` in every input."""
        return int(rows * self._of_row(sizes.steps.max(axis=0, initial=0), sizes.values.max(axis=0, initial=0)))

    def of_answer(self, signature_name: str, sizes: Sizes) -> int:
        """Bytes of the JSON answer's values of steps, which are padded to the longest row too."""
        return len(sizes) * int(self.network_steps(sizes).max(initial=0)) * self._answers.get(signature_name, 0)

    def answers_steps(self, signature_name: str) -> bool:
        """Whether a signature has outputs of steps."""
        return self._answers.get(signature_name, 0) > 0

    def surely_fits(self, records: int, longest: int, budget: int) -> bool:
        """Whether records fit into one call, by their number and the bytes of the longest, without reading them."""
        # A value takes a byte at least. A step takes two, but not in flat lists.
        steps = np.array([longest if its.feature.is_sequence else 1 for its in self.inputs], np.int64)
        counted = np.array([longest if its.is_counted else 1 for its in self.inputs], np.int64)
        return self._fits(records, steps, counted, budget)

    def network_steps(self, sizes: Sizes) -> np.ndarray:
        """Steps that the network computes for each row alone, int64 `[B]`."""
        return np.array([self._network_steps(*row) for row in zip(sizes.steps, sizes.values, strict=True)], np.int64)

    def groups(self, sizes: Sizes, budget: int) -> list[np.ndarray]:
        """Numbers of rows `[N]` for one call after another, rows of similar size together.

        Each group takes at most `budget` bytes and has at most 200 000 steps with padding, unless it is a single row
        that has more alone.

        >>> from tfx_sequences.schemas.spec.spec_io import load_spec
        >>> memory = PaddedMemory(load_spec("japanese_vowels"), [], {})
        >>> steps = np.array([[3], [9999], [3], [2]])
        >>> [group.tolist() for group in memory.groups(Sizes(steps, np.ones_like(steps)), budget=1 << 20)]
        [[0, 2, 3], [1]]
        """
        whole = sizes.steps.max(axis=0, initial=0), sizes.values.max(axis=0, initial=0)
        if not len(sizes) or self._fits(len(sizes), *whole, budget):
            return [np.arange(len(sizes))]
        alone = [self._of_row(*row) for row in zip(sizes.steps, sizes.values, strict=True)]
        groups: list[list[int]] = []
        steps = values = np.zeros(len(self.inputs), np.int64)
        for row in np.argsort(alone, kind="stable").tolist():
            largest = np.maximum(steps, sizes.steps[row]), np.maximum(values, sizes.values[row])
            if groups and self._fits(len(groups[-1]) + 1, *largest, budget):
                groups[-1].append(row)
                steps, values = largest
            else:
                groups.append([row])
                steps, values = sizes.steps[row], sizes.values[row]
        return [np.sort(group) for group in groups]

    def _fits(self, rows: int, steps: np.ndarray, values: np.ndarray, budget: int) -> bool:
        padded = rows * int(steps.max(initial=0))
        return padded <= _PADDED_STEPS and rows * self._of_row(steps, values) <= budget

    def _of_row(self, steps: np.ndarray, values: np.ndarray) -> int:
        return int(steps * values @ self._bytes) + self._network_steps(steps, values) * self._of_step

    def _network_steps(self, steps: np.ndarray, values: np.ndarray) -> int:
        of_steps = max(
            int(steps.max(initial=1, where=self._are_steps)), int(values.max(initial=1, where=self._are_tokens))
        )
        return of_steps if self._most_steps is None else min(of_steps, self._most_steps)


def _bytes_of(its: SizedInput) -> int:
    """Bytes of one value (of all numbers that it holds)."""
    feature = its.feature
    if feature.image is not None:
        return int(np.prod(feature.image.shape)) * _BYTES["float32"]
    if feature.layout is not None:
        return feature.layout.size * _BYTES["float32"]
    return feature.size * _BYTES[feature.dtype]


def _width(spec: SequenceSpec, variables: list[tuple[int, ...]]) -> int:
    """Numbers that the network computes for a step: each weight matrix gives as many as its last dimension."""
    width = sum(shape[-1] for shape in variables if len(shape) > 1)
    if any(isinstance(column, IdColumn) and column.is_indicator for column in spec.sequence.values()):
        # One-hot vectors as wide as the input of a layer, which has a bias, as no table of vectors has.
        biased = {shape[0] for shape in variables if len(shape) == 1}
        width += max((shape[-2] for shape in variables if len(shape) > 1 and shape[-1] in biased), default=0)
    return width


def _answered_by_step(outputs: Mapping[str, Any]) -> int:
    """Bytes of a JSON answer for each step of a row."""
    of_steps = [spec.shape[1:] for spec in outputs.values() if None in [*spec.shape[1:]]]
    return _BYTES_IN_ANSWER * sum(int(np.prod([size or 1 for size in shape], dtype=np.int64)) for shape in of_steps)
