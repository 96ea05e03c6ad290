"""Writes what follows from the table of public names in tfx_sequences/__init__.py: python scripts/public_names.py"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tfx_sequences

ROOT = Path(__file__).parents[1]
STUB = ROOT / "tfx_sequences" / "__init__.pyi"
SIGNATURES = ROOT / "tests" / "public_names.txt"

_STUB_HEAD = "# Written by scripts/public_names.py, for type checkers.\n\n"
_SIGNATURES_HEAD = "# Public names and their signatures. Where a change is meant: python scripts/public_names.py\n"
_PLAIN = (bool, int, float, str, bytes, type(None))


def stub() -> str:
    """What type checkers read instead of `__init__.py`, which loads each name when it is first used."""
    modules = {**tfx_sequences._PUBLIC, "version": ("__version__",)}
    names = [(f"tfx_sequences.{module}", name) for module in sorted(modules) for name in sorted(modules[module])]
    return _STUB_HEAD + "".join(_import(*of_name) for of_name in names)


def signatures() -> str:
    """Each public name with its parameters, classes with their public methods and properties."""
    lines = [line for name in sorted(tfx_sequences.__all__) for line in _described(name)]
    return _SIGNATURES_HEAD + "\n".join(lines) + "\n"


def _import(module: str, name: str) -> str:
    line = f"from {module} import {name} as {name}\n"
    return line if len(line) <= 121 else f"from {module} import (\n    {name} as {name},\n)\n"


def _described(name: str) -> Iterator[str]:
    value = getattr(tfx_sequences, name)
    yield f"{name}{_parameters(value)}"
    if not inspect.isclass(value):
        return
    members: dict[str, Any] = {}
    for cls in reversed(value.__mro__):
        if cls.__module__.startswith("tfx_sequences."):
            members |= {n: m for n, m in vars(cls).items() if not n.startswith("_") and n != "model_config"}
    for member in sorted(members):
        found = members[member]
        if isinstance(found, staticmethod | classmethod):
            found = found.__func__
        if inspect.isfunction(found):
            yield f"  .{member}{_parameters(found)}"
        elif isinstance(found, property) or hasattr(found, "func"):
            yield f"  .{member}"


def _parameters(function: Any) -> str:
    """Names, kinds and defaults, and the annotations that stand as text: others differ between versions of Python."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return ""
    kept = [
        parameter.replace(
            annotation=_Verbatim(parameter.annotation) if isinstance(parameter.annotation, str) else parameter.empty,
            default=_Verbatim(_default(parameter.default))
            if parameter.default is not parameter.empty
            else parameter.empty,
        )
        for parameter in signature.parameters.values()
    ]
    returned = signature.return_annotation
    text = str(signature.replace(parameters=kept, return_annotation=inspect.Signature.empty))
    return f"{text} -> {returned}" if isinstance(returned, str) else text


def _default(value: Any) -> str:
    plain = isinstance(value, _PLAIN) or value in ((), [], {})
    return repr(value) if plain else "..."


class _Verbatim:
    """Shown in a signature as its text is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


if __name__ == "__main__":
    STUB.write_text(stub(), "utf-8")
    SIGNATURES.write_text(signatures(), "utf-8")
