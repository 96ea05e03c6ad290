"""The value `auto`: the setting is left to the data, see `tfx_sequences.schemas.spec.auto_settings`."""

from __future__ import annotations

from typing import Final, Literal, TypeVar

AUTO: Final = "auto"
Auto = Literal["auto"]
_Value = TypeVar("_Value")


def chosen(value: _Value | Auto) -> _Value:
    """A setting that has been chosen.

    Raises:
        ValueError: It is still `auto`: the spec did not go through `with_auto_settings`.

    >>> chosen(3)
    3
    """
    if isinstance(value, str) and value == AUTO:
        raise ValueError("a setting is still 'auto'; with_auto_settings(spec) gives the spec with it chosen")
    return value
