"""How many steps and values the rows of a request have, counted before anything pads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.schemas.columns.column import TextColumn
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of
from tfx_sequences.schemas.features.request_inputs import request_inputs
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context


@dataclasses.dataclass(frozen=True)
class SizedInput:
    """An input of the model, and what determines the size of its padded tensor.

    Attributes:
        name: Its name in `request_inputs`.
        feature: The feature.
        is_text: Its strings are split into tokens.
        tokens_are_steps: These tokens are the steps of the network.
    """

    name: str
    feature: RawFeature
    is_text: bool
    tokens_are_steps: bool

    @property
    def is_counted(self) -> bool:
        """Whether the number of values in a step depends on the record."""
        return self.is_text or self.feature.multi_valued


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Sizes of `B` rows in `F` inputs.

    Attributes:
        steps: int64 `[B, F]`: the number of steps; 1 for a feature of the context.
        values: int64 `[B, F]`: the number of values in the largest step; 1 unless it depends on the record. A text
            counts as one token for each byte, which is an upper limit.
    """

    steps: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)

    def of(self, rows: np.ndarray) -> Sizes:
        """Sizes of some of the rows."""
        return Sizes(self.steps[rows], self.values[rows])


def sized_inputs(spec: SequenceSpec) -> list[SizedInput]:
    """The inputs that a prediction reads.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> [(its.name, its.is_counted) for its in sized_inputs(load_spec("japanese_vowels"))]
    [('lpc', False)]
    """
    texts = [column for column in spec.columns.values() if isinstance(column, TextColumn)]
    split = {feature_of(column).tensor_name for column in texts}
    into_steps = {feature_of(c).tensor_name for c in texts if c.is_sequence and is_from_context(c)}
    return [
        SizedInput(name, its.feature, its.feature.tensor_name in split, its.feature.tensor_name in into_steps)
        for name, its in request_inputs(spec).items()
    ]


def sizes_of_records(
    records: Iterable[bytes], inputs: list[SizedInput], parse: Callable[[bytes], Any], *, flat: bool
) -> Sizes:
    """Sizes of serialized records; what is not a record has no steps.

    Args:
        records: The records.
        inputs: See `sized_inputs`.
        parse: Returns the message of a record: a SequenceExample, or a `tf.Example` if `flat`.
        flat: Whether the steps of a feature are one flat list.
    """
    steps, values = [], []
    for record in records:
        try:
            message = parse(record)
        except (DecodeError, ValueError):
            steps.append([0] * len(inputs))
            values.append([0] * len(inputs))
            continue
        context = message.features.feature if flat else message.context.feature
        lists = {} if flat else message.feature_lists.feature_list
        sizes = [_size(its, context, lists, flat) for its in inputs]
        steps.append([size[0] for size in sizes])
        values.append([size[1] for size in sizes])
    shape = (len(steps), len(inputs))
    return Sizes(np.array(steps, np.int64).reshape(shape), np.array(values, np.int64).reshape(shape))


def sizes_of_tensors(arrays: Mapping[str, np.ndarray], inputs: list[SizedInput]) -> Sizes | None:
    """Sizes of the rows of padded tensors; None if the tensors do not have the same number of rows."""
    given = {its.name: arrays[its.name] for its in inputs}
    # An input without rows is missing in all of them.
    rows = {len(array) for array in arrays.values() if len(array)}
    if len(rows) != 1:
        return None
    shape = (rows.pop(), len(inputs))
    steps, values = np.ones(shape, np.int64), np.ones(shape, np.int64)
    for number, its in enumerate(inputs):
        array, of_steps = given[its.name], its.feature.is_sequence
        if of_steps:
            steps[:, number] = array.shape[1]
        if its.feature.multi_valued:
            values[:, number] = array.shape[-1]
        elif its.is_text and len(array):
            lengths = np.array([*map(len, array.ravel())], np.int64).reshape(len(array), -1)
            values[:, number] = lengths.max(axis=1, initial=0)
    return Sizes(steps, values)


def _size(its: SizedInput, context: Any, lists: Any, flat: bool) -> tuple[int, int]:
    key = its.feature.key
    if its.feature.is_sequence and not flat:
        if key not in lists:
            return 0, 0
        steps = lists[key].feature
        return len(steps), max((_values(its, step) for step in steps), default=0) if its.is_counted else 1
    if key not in context:
        return 0, 0
    feature = context[key]
    if its.feature.is_sequence:
        return number_of_values(feature) // max(its.feature.size, 1), _values(its, feature) if its.is_counted else 1
    return 1, _values(its, feature) if its.is_counted else 1


def _values(its: SizedInput, feature: Any) -> int:
    if its.is_text:
        return max(map(len, feature.bytes_list.value), default=0)
    return number_of_values(feature)


def number_of_values(feature: Any) -> int:
    """How many values a `tf.train.Feature` has."""
    return max(len(feature.bytes_list.value), len(feature.float_list.value), len(feature.int64_list.value))
