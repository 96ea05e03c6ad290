"""The base class of all declarations: frozen, strict and serializable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic_core import PydanticCustomError

from tfx_sequences.errors import SpecError, did_you_mean


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
        frozen=True,
        strict=True,
        extra="forbid",
        validate_default=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
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


# Strict mode does not accept a list for a tuple, which Python callers may pass; JSON has no tuples.
AsTuple = pydantic.BeforeValidator(_list_to_tuple)
Strings = Annotated[tuple[str, ...], AsTuple]
Sizes = Annotated[tuple[pydantic.PositiveInt, ...], AsTuple]
Terms = Annotated[tuple[str, ...] | tuple[int, ...], AsTuple]


_Model = TypeVar("_Model", bound=Declared)


def declared(model: type[_Model], /, **fields: Any) -> _Model:
    """Creates a model; invalid fields raise our `SpecError` instead of pydantic's error.

    >>> class Size(Declared):
    ...     width: int = 1
    >>> declared(Size, width="2")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.SpecError: Invalid Size: width: Input should be a valid integer (received '2')
    """
    try:
        return model(**fields)
    except pydantic.ValidationError as error:
        key = f" of '{fields['key']}'" if isinstance(fields.get("key"), str) else ""
        raise SpecError(f"Invalid {model.__name__}{key}: {'; '.join(_problems(error))}") from None


def _problems(error: pydantic.ValidationError) -> list[str]:
    found = []
    for problem in error.errors(include_url=False):
        words = problem["msg"].removeprefix("Value error, ")
        if problem["type"] in ("value_error", "unknown_key"):
            found.append(words)
        else:
            found.append(f"{'.'.join(map(str, problem['loc']))}: {words} (received {problem['input']!r:.60})")
    return found
