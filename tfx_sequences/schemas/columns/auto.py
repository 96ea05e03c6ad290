"""The value `auto`: the setting is chosen from the data, see `tfx_sequences.schemas.spec.auto_settings`."""

from __future__ import annotations

from typing import Final, Literal, TypeVar

AUTO: Final = "auto"
Auto = Literal["auto"]
_Value = TypeVar("_Value")


def chosen(value: _Value | Auto) -> _Value:
    """A setting that has been chosen.

    Raises:
        ValueError: The setting is still `auto`, because `with_auto_settings` was not applied to the spec.

    >>> chosen(3)
    3
    """
    if isinstance(value, str) and value == AUTO:
        raise ValueError("a setting is still 'auto'; use with_auto_settings(spec), which chooses a value")
    return value
