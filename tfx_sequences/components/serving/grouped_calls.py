"""Calls of a model with as many rows as fit into memory together: groups of rows of similar length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfx_sequences.components.serving.names import EXAMPLES
from tfx_sequences.components.serving.padded_memory import PaddedMemory
from tfx_sequences.components.serving.record_sizes import Sizes, sizes_of_records, sizes_of_tensors

MEMORY_OF_A_CALL = 1 << 30

Parse = Callable[[bytes], Any]


class GroupedCalls:
    """Divides the rows of a request into calls.

    Args:
        memory: What calls of the model take.

    Attributes:
        memory: The same.
        budget: Bytes that one call may take.
    """

    def __init__(self, memory: PaddedMemory, budget: int = MEMORY_OF_A_CALL) -> None:
        self.memory = memory
        self.budget = budget

    def sizes_of(self, inputs: Mapping[str, Any], parse: Parse, *, flat: bool) -> Sizes | None:
        """Sizes of the rows; None if the inputs do not have the same number of rows.

        Args:
            inputs: `examples`, or padded tensors; as arrays or tensors.
            parse: See `sizes_of_records`.
            flat: The same.
        """
        if EXAMPLES in inputs:
            return sizes_of_records(np.ravel(inputs[EXAMPLES]).tolist(), self.memory.inputs, parse, flat=flat)
        return sizes_of_tensors({name: np.asarray(array) for name, array in inputs.items()}, self.memory.inputs)

    def answer_fits(self, signature_name: str, inputs: Mapping[str, Any], parse: Parse, *, flat: bool) -> bool:
        """Whether the answer is within the budget: its values of steps are padded to the longest row."""
        if not self.memory.answers_steps(signature_name):
            return True
        sizes = self.sizes_of(inputs, parse, flat=flat)
        return sizes is None or self.memory.of_answer(signature_name, sizes) <= self.budget

    def groups(self, inputs: Mapping[str, Any], parse: Parse, *, flat: bool) -> list[np.ndarray] | list[None]:
        """Numbers of rows for one call after another; `[None]` if all rows fit into one."""
        import tensorflow as tf

        if EXAMPLES in inputs:
            lengths = np.ravel(tf.strings.length(inputs[EXAMPLES]))
            if self.memory.surely_fits(len(lengths), int(lengths.max(initial=0)), self.budget):
                return [None]
        sizes = self.sizes_of(inputs, parse, flat=flat)
        groups = [] if sizes is None else self.memory.groups(sizes, self.budget)
        return groups if len(groups) > 1 else [None]


def rows_of(inputs: Mapping[str, Any], rows: np.ndarray | None) -> dict[str, Any]:
    """Some rows of the inputs, or all; an input without any row is as it was.

    >>> rows_of({"x": np.array([4, 5, 6]), "y": np.array([])}, np.array([0, 2]))["x"].numpy().tolist()
    [4, 6]
    """
    if rows is None:
        return dict(inputs)
    import tensorflow as tf

    return {name: tf.gather(its, rows) if len(its) else its for name, its in inputs.items()}


def merged(groups: list[np.ndarray] | list[None], outputs: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The outputs of groups of rows as one, in the order of the rows; shorter ones are padded as the model pads.

    Args:
        groups: The numbers of each group's rows.
        outputs: The outputs of each group, `[N, ...]`.

    >>> parts = [{"x": np.array([[1], [2]])}, {"x": np.array([[3, 4]])}]
    >>> merged([np.array([0, 2]), np.array([1])], parts)["x"].tolist()
    [[1, 0], [3, 4], [2, 0]]
    """
    if len(groups) == 1:
        return outputs[0]
    found = {}
    for name, first in outputs[0].items():
        parts = [its[name] for its in outputs]
        shape = np.max([part.shape[1:] for part in parts], axis=0).astype(int).tolist() if first.ndim > 1 else []
        whole = np.zeros((sum(map(len, parts)), *shape), first.dtype)
        if first.dtype == object:
            whole[...] = b""
        for rows, part in zip(groups, parts, strict=True):
            place = (rows, *(slice(size) for size in part.shape[1:]))
            whole[place] = part
        found[name] = whole
    return found
