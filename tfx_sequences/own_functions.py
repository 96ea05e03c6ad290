"""The user's own functions that a spec names: `model.builder`, a loss, a measure."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tfx_sequences.errors import SpecError, did_you_mean


def load_function(path: str, field: str) -> Callable[..., Any]:
    """The function at `my_package.my_module.build`.

    Args:
        path: The path.
        field: The field of the spec that has it, for messages.

    Raises:
        SpecError: The module does not exist, its import fails, or it does not have the function.

    >>> load_function("tfx_sequences.own_functions.load_funktion", "model.builder")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.SpecError: model.builder: tfx_sequences.own_functions has no 'load_funktion'.
      expected: the path of a function, my_package.my_module.build
      received: 'tfx_sequences.own_functions.load_funktion'
      fix:      Use a function of that module. Did you mean 'load_function'?
    """
    name, _, function = path.rpartition(".")
    expected = "the path of a function, my_package.my_module.build"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module exists, but imports one that does not.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _import_failed(path, field, name, error) from error
        raise SpecError(
            f"{field}: the module '{error.name}' does not exist.",
            expected=expected,
            received=f"'{path}'",
            fix="Install the package into this environment, or put its folder on PYTHONPATH."
            + did_you_mean(error.name.rpartition(".")[2], _siblings(error.name)),
        ) from error
    except Exception as error:
        raise _import_failed(path, field, name, error) from error
    found = getattr(module, function, None)
    if found is None:
        raise SpecError(
            f"{field}: {name} has no '{function}'.",
            expected=expected,
            received=f"'{path}'",
            fix=f"Use a function of that module.{did_you_mean(function, _functions(module))}",
        )
    if not callable(found):
        raise SpecError(
            f"{field}: {path} is not a function.",
            expected=expected,
            received=type(found).__name__,
            fix=f"Use a function of that module.{did_you_mean(function, _functions(module))}",
        )
    return found


def _import_failed(path: str, field: str, name: str, error: Exception) -> SpecError:
    return SpecError(
        f"{field}: importing {name} failed: {type(error).__name__}: {error}",
        expected="a module that can be imported where the model is trained",
        received=f"'{path}'",
        fix=f"Correct the module; python -c 'import {name}' shows the whole error.",
    )


def _siblings(name: str) -> list[str]:
    """Names of the modules in the package in which `name` was looked up."""
    import pkgutil

    parent = name.rpartition(".")[0]
    try:
        places = importlib.import_module(parent).__path__ if parent else None
    except (ImportError, AttributeError):
        return []
    return [module.name for module in pkgutil.iter_modules(places)]


def _functions(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
