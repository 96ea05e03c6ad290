"""Options of the commands that run Beam: the engine, and Beam's own options."""

from __future__ import annotations

from typing import Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import check_beam_args

BeamRunnerOption = Annotated[
    str | None,
    typer.Option(
        "--beam-runner",
        metavar="ENGINE",
        help="The engine that runs Beam: direct (the default), prism, portable, flink, spark or dataflow.",
    ),
]
BeamArgOption = Annotated[
    list[str] | None,
    typer.Option(
        "--beam-arg",
        metavar="ARG",
        callback=check_beam_args,
        help="A Beam option, such as --flink_master=localhost:8081. May be repeated.",
    ),
]
