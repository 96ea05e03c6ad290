"""The options of commands that run Beam, as typer reads them."""

import typer
from typer.testing import CliRunner

from tfx_sequences.pipeline.commands.beam_flags import BeamArgOption, BeamRunnerOption


def called(*arguments):
    app, seen = typer.Typer(), []

    @app.command()
    def command(beam_runner: BeamRunnerOption = None, beam_arg: BeamArgOption = None) -> None:
        seen.append((beam_runner, beam_arg))

    return CliRunner().invoke(app, arguments).exit_code, seen


def test_an_engine_and_any_number_of_options():
    given = ["--beam-runner", "flink", "--beam-arg=--a=1", "--beam-arg", "--b"]
    assert called(*given) == (0, [("flink", ["--a=1", "--b"])])


def test_an_option_without_dashes_is_wrong_usage():
    assert called("--beam-arg", "runner=FlinkRunner") == (2, [])
