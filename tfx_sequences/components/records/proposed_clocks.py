"""Finds the timestamps of lists that were measured at other times than the steps: a part of the proposal's facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from tfx_sequences.schemas.columns.group_names import words_of
from tfx_sequences.schemas.features.raw_features import feature_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_TIME_WORDS = ("at", "t", "time", "times", "timestamp", "timestamps", "ts")
_TIME_AT_THE_END = re.compile(rf"[^A-Za-z0-9]*({'|'.join(_TIME_WORDS)})$", re.IGNORECASE)


def is_time_name(key: str) -> bool:
    """Whether a key's name suggests the times of steps.

    >>> is_time_name("hr/timestamp"), is_time_name("pulse_at"), is_time_name("timeout")
    (True, True, False)
    """
    return words_of(key)[-1:] in [[word] for word in _TIME_WORDS]


def clocks(
    spec: SequenceSpec, steps: Mapping[str, np.ndarray], reference: str, others: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Keys of timestamps for columns whose lists have another length than the steps, where both have timestamps.

    Args:
        spec: The spec.
        steps: The number of steps in each record, by tensor name.
        reference: The tensor name of a list that has all steps.
        others: Names of the columns with other lengths.

    Returns:
        By column, the keys `timestamps` (of the column's list) and `to` (of the steps), and their `dtype`.
    """
    columns = {feature_of(column).tensor_name: column for column in spec.columns.values()}
    times = {
        name
        for name in steps
        if name in columns and is_time_name(columns[name].key) and feature_of(columns[name]).dtype != "string"
    }
    at_steps = _times_of(reference, times, steps)
    found = {}
    for column_name in others:
        column = spec.columns[column_name]
        feature = feature_of(column)
        own = _times_of(feature.tensor_name, times, steps)
        if feature.tensor_name in times or own is None or at_steps is None or feature.multi_valued:
            continue
        dtypes = {feature_of(columns[name]).dtype for name in (own, at_steps)}
        if len(dtypes) == 1:
            keys = {"timestamps": columns[own].key, "to": columns[at_steps].key}
            found[column_name] = {**keys, "dtype": dtypes.pop()}
    return found


def _times_of(name: str, times: Iterable[str], steps: Mapping[str, np.ndarray]) -> str | None:
    """The list of times that is as long as a list in each record: the one with its name, or else the only one."""
    as_long = [other for other in times if np.array_equal(steps[other], steps[name])]
    named = [other for other in as_long if _TIME_AT_THE_END.sub("", other) == name]
    fitting = named or as_long
    return fitting[0] if len(fitting) == 1 else None
