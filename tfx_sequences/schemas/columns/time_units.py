"""Units of times since 1970, and a guess of the unit of values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

TimeUnit = Literal["s", "ms", "us", "ns"]
TICKS: dict[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""Ticks per second, by unit."""

# 1980 to 2100: the ranges of different units do not overlap.
_EARLIEST, _LATEST = 315_532_800, 4_102_444_800


def guess_time_unit(values: Iterable[float]) -> TimeUnit | None:
    """The unit in which all values are times between 1980 and 2100, or None.

    Args:
        values: The stored numbers; at least one.

    >>> guess_time_unit([1528917632, 1528917661]), guess_time_unit([1528917632000]), guess_time_unit([0, 40_000])
    ('s', 'ms', None)
    """
    values = list(values)
    least, greatest = min(values, default=0), max(values, default=0)
    units: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")
    for unit in units:
        if _EARLIEST * TICKS[unit] <= least and greatest < _LATEST * TICKS[unit]:
            return unit
    return None
