"""What several commands are given: their options, and checks of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, overload

import typer

from tfx_sequences.errors import UserInputError

if TYPE_CHECKING:
    from tfx_sequences.components.records.paths import AnyPath

SpecArgument = Annotated[str, typer.Argument(metavar="SPEC", help="A spec's YAML file, or the name of a bundled spec.")]
DataOption = Annotated[
    str, typer.Option("--data", metavar="DIR", help="Folder of the TFRecord files, or a URI that TensorFlow reads.")
]
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A pushed model, or the output folder of a run; or a URI that TensorFlow reads."
    ),
]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
]


def check_beam_args(arguments: list[str] | None) -> list[str] | None:
    """Raises for what is no option of Beam, which Beam would ignore."""
    for argument in arguments or []:
        if not argument.startswith("--"):
            raise typer.BadParameter(f"'{argument}' is not an option of Beam: write it as --beam-arg=--name=value")
    return arguments


def readable(name: str, path: str) -> AnyPath:
    """A path that a command reads: of this machine, or of any file system that TensorFlow has.

    Options are texts until then, for `pathlib` makes `gs:/` of `gs://`.

    Args:
        name: What messages call it.
        path: As it was given.

    Raises:
        UserInputError: TensorFlow does not have the file system, or the system refuses to look at the path.
    """
    from tfx_sequences.components.records.paths import path_of

    found = path_of(path)
    if isinstance(found, Path):
        _look_at(name, found)
    return found


@overload
def on_this_machine(name: str, path: str) -> Path: ...


@overload
def on_this_machine(name: str, path: None) -> None: ...


def on_this_machine(name: str, path: str | None) -> Path | None:
    """A path that must be on this machine; None stays None.

    Raises:
        UserInputError: It is a URI, or the system refuses to look at it.

    >>> on_this_machine("output", "gs://bucket/predictions.jsonl")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: The output is not on this machine.
      expected: a path on this machine
      received: gs://bucket/predictions.jsonl
      fix:      Copy what is read here first, and what is written to its place afterwards.
    """
    if path is None:
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path):
        raise UserInputError(
            f"The {name} is not on this machine.",
            expected="a path on this machine",
            received=path,
            fix="Copy what is read here first, and what is written to its place afterwards.",
        )
    _look_at(name, Path(path))
    return Path(path)


def _look_at(name: str, path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # each command has its own words for that
    except OSError as error:
        text = str(path)
        raise UserInputError(
            f"The {name} cannot be used: {error.strerror}.",
            expected="a path that can be looked at",
            received=text if len(text) < 200 else f"{text[:200]}...",
            fix="Check the path, and the permissions of its folders.",
        ) from error
