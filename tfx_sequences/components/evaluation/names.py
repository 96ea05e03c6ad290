"""Names in the results of an evaluation, and the order of its slices. This module imports nothing of TFMA."""

from __future__ import annotations

import re
from typing import Any

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

WHOLE = "all"
"""The slice of all records."""
LENGTH = "length"
"""In results: the slices by ranges of lengths."""
EXAMPLE_COUNT, STEP_COUNT, CUT_STEP_COUNT = "example_count", "step_count", "cut_step_count"
"""Numbers of records, and of real steps that the network read and did not read (truncated steps, or steps to
forecast)."""


def slice_name(feature: str, value: Any) -> str:
    """The name of the slice of records with this value of a feature.

    >>> slice_name("city", b"Oslo"), slice_name("age", 7)
    ('city=Oslo', 'age=7')
    """
    return f"{feature}={value.decode('utf-8', 'replace') if isinstance(value, bytes) else value}"


def slice_order(name: str) -> list[tuple[int, str]]:
    """The key to sort slices by name, with numbers by size; the whole split is first.

    >>> sorted(["length=16-31", "length=2-3", "all"], key=slice_order)
    ['all', 'length=2-3', 'length=16-31']
    """
    return [(int(x) if x.isdigit() else -1, x) for x in re.split(r"(\d+)", name)]


def tfma_name_of_head(spec: SequenceSpec, head: str) -> str:
    """The name of the output of a head in TFMA and in results: empty if the spec has a `label`."""
    return "" if spec.label is not None else head
