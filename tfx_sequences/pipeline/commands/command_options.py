"""Options that several commands share, and their checks."""

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
RunDataOption = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the TFRecord files, or a URI that TensorFlow reads; for a spec with rows, also a folder or "
        "file of rows.",
    ),
]
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A pushed model, or the output folder of a run; or a URI that TensorFlow reads."
    ),
]
UntrustedOption = Annotated[
    bool,
    typer.Option(
        "--untrusted", help="Reject a spec that reads files, imports modules, loads models or writes to a folder."
    ),
]
OutputOption = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file instead of standard output.")
]


def check_beam_args(arguments: list[str] | None) -> list[str] | None:
    """Raises for an argument that is not an option: Beam would ignore it."""
    for argument in arguments or []:
        if not argument.startswith("--"):
            raise typer.BadParameter(f"'{argument}' is not a Beam option: write it as --beam-arg=--name=value")
    return arguments


def readable(name: str, path: str) -> AnyPath:
    """A path that a command reads: on this machine, or on any file system that TensorFlow supports.

    Until this call, options are strings, because `pathlib` turns `gs://` into `gs:/`.

    Args:
        name: Its name in messages.
        path: The path as the user gave it.

    Raises:
        UserInputError: TensorFlow does not support the file system, or the path cannot be accessed.
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
        UserInputError: It is a URI, or it cannot be accessed.

    >>> on_this_machine("output", "gs://bucket/predictions.jsonl")
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.UserInputError: The output is not on this machine.
      expected: a path on this machine
      received: gs://bucket/predictions.jsonl
      fix:      For input, copy it to this machine first. For output, write it here and copy it afterwards.
    """
    if path is None:
        return None
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", path):
        raise UserInputError(
            f"The {name} is not on this machine.",
            expected="a path on this machine",
            received=path,
            fix="For input, copy it to this machine first. For output, write it here and copy it afterwards.",
        )
    _look_at(name, Path(path))
    return Path(path)


def _look_at(name: str, path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # each command reports this in its own words
    except OSError as error:
        text = str(path)
        raise UserInputError(
            f"The {name} cannot be used: {error.strerror}.",
            expected="a path that can be accessed",
            received=text if len(text) < 200 else f"{text[:200]}...",
            fix="Check the path and the permissions of its folders.",
        ) from error
