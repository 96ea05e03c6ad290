"""`tfx-sequences serve`: serves a model over HTTP, for development."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tfx_sequences.pipeline.commands.command_options import ModelArgument, readable

if TYPE_CHECKING:
    from tfx_sequences.pipeline.commands.capture import Capture


def serve_command(
    model: ModelArgument,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")] = 8501,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="The model's name in requests; by default the spec's name."),
    ] = None,
    spec: Annotated[
        str | None, typer.Option("--spec", metavar="SPEC", help="Reject the model if it was trained with another spec.")
    ] = None,
    max_body: Annotated[int, typer.Option(min=1, metavar="MB", help="Maximum size of a request body, in MiB.")] = 16,
    max_rows: Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of rows in a request.")] = 4096,
    max_steps: Annotated[int, typer.Option(min=1, metavar="N", help="Maximum number of steps in a row.")] = 100_000,
    max_padded_steps: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Maximum number of steps in a request, rows of similar length padded."),
    ] = 1_000_000,
    max_memory: Annotated[
        int, typer.Option(min=1, metavar="MB", help="Memory for the padded rows of all requests in work, in MiB.")
    ] = 2048,
    max_connections: Annotated[
        int, typer.Option(min=1, metavar="N", help="Maximum number of connections of one client's address.")
    ] = 1000,
) -> None:
    """Serve a model over TensorFlow Serving's REST predict API, for development; stop it with Ctrl-C or SIGTERM.

    If MODEL is a folder of versions, the newest is served.
    """
    from tfx_sequences.pipeline.commands.supervision import GOOD, supervised

    def work(capture: Capture) -> int:
        from tfx_sequences.compat import check_environment
        from tfx_sequences.errors import UserInputError

        check_environment(needs_tfx=False)
        try:
            import aiohttp  # noqa: F401
            import prometheus_client  # noqa: F401
        except ImportError as error:
            raise UserInputError(
                "The server cannot start.",
                expected="the packages aiohttp and prometheus-client",
                received=str(error),
                fix="Install tfx-sequences[serve].",
            ) from error
        from tfx_sequences.components.serving.loaded_model import load_model
        from tfx_sequences.pipeline.rest.rest_limits import Limits
        from tfx_sequences.pipeline.rest.rest_server import RestServer
        from tfx_sequences.schemas.spec.spec_io import load_spec

        loaded = load_model(readable("model", model), spec=load_spec(spec) if spec else None)
        limits = Limits(max_body << 20, max_rows, max_steps, max_padded_steps, max_memory << 20, max_connections)
        with RestServer(loaded, name or loaded.spec.name, host=host, port=port, limits=limits) as server:
            capture.console.print(f"Version {loaded.version} of {loaded.folder}", soft_wrap=True, markup=False)
            capture.console.print(f"{server.url}:predict", soft_wrap=True, markup=False)
            _wait()
        return GOOD

    raise typer.Exit(supervised(work, stops_within=None))


def _wait() -> None:
    """Waits for Ctrl-C or SIGTERM."""
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
