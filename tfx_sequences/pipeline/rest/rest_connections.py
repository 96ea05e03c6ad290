"""Connections: a bound for each client, time-outs for what does not arrive or is not read, and errors in JSON.

aiohttp has no time-out for the headers of a request, and answers what is not HTTP with plain text.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from aiohttp import web

# aiohttp logs what clients do wrong with tracebacks: here it is answered and counted, so that no client fills the log.
_SILENT = logging.getLogger("tfx_sequences_http")
_SILENT.setLevel(logging.CRITICAL + 1)


@dataclasses.dataclass(frozen=True)
class TimeOuts:
    """Seconds after which the server no longer waits.

    Attributes:
        headers: For the headers of a connection's first request.
        idle: For the next request of a connection, with its headers.
        body: For the whole body of a request.
        queue: For memory that other requests have.
        answer: For a client that does not read its answer.
        linger: For what a client still sends after an error; it could not read the error without that.
        drain: For running requests, after SIGTERM.
    """

    headers: float = 20
    idle: float = 75
    body: float = 60
    queue: float = 600
    answer: float = 60
    linger: float = 3
    drain: float = 30


class Connections:
    """Makes the handler of each connection.

    Args:
        server: aiohttp's server.
        time_outs: When a connection is closed.
        of_client: Most connections of one address.
        count: Called with the status of each answer to what is not HTTP.
    """

    def __init__(self, server: web.Server, time_outs: TimeOuts, of_client: int, count: Callable[[int], None]) -> None:
        self._server = server
        self.time_outs = time_outs
        self.of_client = of_client
        self.count = count
        self.open: Counter[str] = Counter()

    def __call__(self) -> Connection:
        return Connection(self, self._server)


class Connection(web.RequestHandler):
    """One connection.

    Args:
        connections: Those of the server.
        server: aiohttp's server.
    """

    def __init__(self, connections: Connections, server: web.Server) -> None:
        loop = asyncio.get_running_loop()
        idle = connections.time_outs.idle
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            logger=_SILENT,
            keepalive_timeout=idle,
            lingering_time=connections.time_outs.linger,
        )
        self._connections = connections
        self._client = ""
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuses a client that has too many connections; otherwise waits for the headers."""
        super().connection_made(transport)
        self._client = client_of(transport)
        self._connections.open[self._client] += 1
        if self._connections.open[self._client] > self._connections.of_client:
            most = self._connections.of_client
            self._refuse(503, f"This client has {most} connections already. Use those, or send again later.")
            return
        seconds = self._connections.time_outs.headers
        text = f"The headers did not arrive within {seconds:g} s."
        self._timer = asyncio.get_running_loop().call_later(seconds, self._refuse, 408, text)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forgets the connection."""
        self.arrived()
        self._is_read()
        self._connections.open[self._client] -= 1
        if self._connections.open[self._client] <= 0:
            del self._connections.open[self._client]
        super().connection_lost(exc)

    def arrived(self) -> None:
        """Called when a request has its headers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pause_writing(self) -> None:
        """Closes the connection if its client does not read the answer."""
        super().pause_writing()
        if self._write_timer is None and self.transport is not None:
            seconds = self._connections.time_outs.answer
            self._write_timer = asyncio.get_running_loop().call_later(seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        self._is_read()
        super().resume_writing()

    def _is_read(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what is not HTTP."""
        if request.writer.output_size > 0:
            raise ConnectionError("A part of the answer is sent already.")
        self.arrived()
        self._connections.count(status)
        first = (message or getattr(exc, "message", "") or "no valid HTTP").strip().splitlines()[0].rstrip(":")
        response = error_response(status, f"This is not a valid HTTP request: {first}.")
        response.force_close()
        return response

    def _refuse(self, status: int, message: str) -> None:
        if self.transport is not None:
            body = json.dumps({"error": message}).encode()
            head = (
                f"HTTP/1.1 {status} {web.Response(status=status).reason}\r\nContent-Type: application/json; "
                f"charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
            self._connections.count(status)
        self.close()
        self.force_close()


def client_of(transport: Any) -> str:
    """The address of a client."""
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) else ""


def error_response(status: int, message: str) -> web.Response:
    """An error in the form of TensorFlow Serving."""
    return web.json_response({"error": message}, status=status)
