"""The common ground of everything declared: frozen, strict, serialisable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic_core import PydanticCustomError

from tfx_sequences.errors import did_you_mean


class Declared(pydantic.BaseModel):
    """A frozen model whose unknown keys are errors that name the closest key.

    >>> class Size(Declared):
    ...     width: int = 1
    >>> Size(width=2) == Size(width=2)
    True
    >>> Size(widht=2)
    Traceback (most recent call last):
      ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Size
      Unknown key 'widht'. Did you mean 'width'? Known keys: 'width'. [type=unknown_key, ...
    """

    model_config = pydantic.ConfigDict(
        frozen=True, strict=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _name_closest_key(cls, data: Any) -> Any:
        if isinstance(data, Mapping):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "Unknown key '{key}'.{hint} Known keys: {known}.",
                        {
                            "key": str(key),
                            "hint": did_you_mean(key, cls.model_fields),
                            "known": ", ".join(f"'{k}'" for k in cls.model_fields),
                        },
                    )
        return data


def _list_to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Strict mode refuses the lists of Python callers for a tuple; JSON has no tuples.
AsTuple = pydantic.BeforeValidator(_list_to_tuple)
Strings = Annotated[tuple[str, ...], AsTuple]
Sizes = Annotated[tuple[pydantic.PositiveInt, ...], AsTuple]
Terms = Annotated[tuple[str, ...] | tuple[int, ...], AsTuple]
