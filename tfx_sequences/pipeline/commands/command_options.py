"""Checks of what several commands are given."""

from __future__ import annotations

from pathlib import Path

import typer


def check_beam_args(arguments: list[str] | None) -> list[str] | None:
    """Raises for what is no option of Beam, which Beam would ignore."""
    for argument in arguments or []:
        if not argument.startswith("--"):
            raise typer.BadParameter(f"'{argument}' is not an option of Beam: write it as --beam-arg=--name=value")
    return arguments


def check_paths(**paths: Path | str | None) -> None:
    """Raises `UserInputError` for a path that is no path of this machine, or that the system refuses to look at."""
    import os
    import re

    from tfx_sequences.errors import UserInputError

    for parameter, path in paths.items():
        name = parameter.replace("_", " ")
        # A `Path` makes one slash of two.
        if path is not None and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
            raise UserInputError(
                f"The {name} is not on this machine.",
                expected="a path on this machine",
                received=str(path),
                fix="Copy what is read here first, and what is written to its place afterwards.",
            )
        try:
            os.stat(path or ".")
        except (FileNotFoundError, NotADirectoryError):
            pass  # each command has its own words for that
        except OSError as error:
            raise UserInputError(
                f"The {name} cannot be used: {error.strerror}.",
                expected="a path that can be looked at",
                received=str(path) if len(str(path)) < 200 else f"{str(path)[:200]}...",
                fix="Check the path, and the permissions of its folders.",
            ) from error
