"""The options of the commands that run Beam: which engine, and Beam's own options for it."""

from __future__ import annotations

from typing import Annotated

import typer


def _check_beam_args(arguments: list[str] | None) -> list[str] | None:
    # Beam ignores what does not look like an option.
    for argument in arguments or []:
        if not argument.startswith("--"):
            raise typer.BadParameter(f"'{argument}' is not an option of Beam: write it as --beam-arg=--name=value")
    return arguments


BeamRunnerOption = Annotated[
    str | None,
    typer.Option(
        "--beam-runner",
        metavar="ENGINE",
        help="What runs the Beam work: direct (the default), prism, portable, flink, spark or dataflow.",
    ),
]
BeamArgOption = Annotated[
    list[str] | None,
    typer.Option(
        "--beam-arg",
        metavar="ARG",
        callback=_check_beam_args,
        help="An option of Beam's for it, such as --flink_master=localhost:8081. May be repeated.",
    ),
]
