"""Ranges of integers for slicing metrics: lengths, or positions of steps."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Annotated, Literal

import pydantic

from tfx_sequences.schemas.columns.base import Sizes

AUTOMATIC = tuple(2**n for n in range(13))
"""The boundaries of `auto`: 1, 2, 4, ... 4096."""

_OPEN = " and more"


def _check_increasing(boundaries: tuple[int, ...]) -> tuple[int, ...]:
    if any(a >= b for a, b in itertools.pairwise(boundaries)):
        raise ValueError(f"boundaries must be increasing numbers, but are {', '.join(map(str, boundaries))}")
    return boundaries


Boundaries = Literal["auto"] | Annotated[Sizes, pydantic.AfterValidator(_check_increasing)]


def ranges(boundaries: Boundaries) -> list[tuple[int, int | None]]:
    """First number of each range, and the first number after it (None for an open end). Empty without boundaries.

    >>> ranges((5, 10))
    [(0, 5), (5, 10), (10, None)]
    >>> ranges(())
    []
    """
    inner = AUTOMATIC if boundaries == "auto" else tuple(boundaries)
    return list(zip((0, *inner), (*inner, None), strict=True)) if inner else []


def range_name(first: int, end: int | None) -> str:
    """The name of a range.

    >>> range_name(0, 1), range_name(5, 10), range_name(10, None)
    ('0', '5-9', '10 and more')
    """
    if end is None:
        return f"{first}{_OPEN}"
    return f"{first}" if end == first + 1 else f"{first}-{end - 1}"


def range_of_name(name: str) -> tuple[int, int | None]:
    """The range with this name.

    >>> [range_of_name(range_name(*r)) for r in ranges((1, 5))]
    [(0, 1), (1, 5), (5, None)]
    """
    first, _, last = name.removesuffix(_OPEN).partition("-")
    return int(first), None if name.endswith(_OPEN) else int(last or first) + 1


def name_of_range_with(number: int, among: Sequence[tuple[int, int | None]]) -> str:
    """The name of the range that contains a number.

    >>> name_of_range_with(9, ranges((5, 10)))
    '5-9'
    """
    return range_name(*among[bisect.bisect_right([first for first, _ in among], number) - 1])
