"""A model server for development: TensorFlow Serving's REST API for predict, metadata and status.

The size of a body is limited, and so is the total size of all bodies in memory. The model runs in separate threads, so
that a long request does not delay error responses to others.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

from aiohttp import web

from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.rest.rest_answers import Answers, check_model, metadata_of, status_of
from tfx_sequences.pipeline.rest.rest_bodies import BodyBudget, Share
from tfx_sequences.pipeline.rest.rest_connections import Connection, Connections, TimeOuts, client_of, error_response
from tfx_sequences.pipeline.rest.rest_errors import answered, too_large
from tfx_sequences.pipeline.rest.rest_limits import CALLS_AT_A_TIME, Limits, RestError
from tfx_sequences.pipeline.rest.rest_metrics import CONTENT_TYPE, Metrics

# Connections that wait until they are accepted.
_BACKLOG = 1024
_STOPPING = "The server is stopping. Send the request to another one."


class RestServer:
    """Serves one model over HTTP while it is entered.

    Args:
        model: The model.
        name: The model's name in requests.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        limits: Limits of a request.
        time_outs: Seconds after which the server no longer waits.
    """

    def __init__(
        self,
        model: LoadedModel,
        name: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        time_outs: TimeOuts | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self._time_outs = time_outs or TimeOuts()
        model.calls.budget = self._limits.memory_of_a_call
        self._metadata = metadata_of(model, name)
        self._pool = ThreadPoolExecutor(CALLS_AT_A_TIME, "predict")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serve", daemon=True)
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._in_work = 0
        self._stops = False

    @property
    def url(self) -> str:
        """URL of the model; append `:predict` to it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}/v1/models/{self._name}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self._host, self._port

    def __enter__(self) -> RestServer:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except OSError as error:
            self.__exit__(None, None, None)
            raise UserInputError(
                f"The server cannot listen on {self._host}:{self._port}.",
                expected="an address of this machine and a free port",
                received=error.strerror or str(error),
                fix="Choose another --port (0 picks a free one) or --host.",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pool.shutdown(cancel_futures=True)

    async def _start(self) -> None:
        self._budget = BodyBudget(self._limits.body_bytes)
        app = web.Application()
        model = "/v1/models/{name:[^/:]+}"
        for path in (model, model + "/versions/{version:[^/:]+}"):
            app.router.add_post(path + ":{verb:[a-zA-Z]+}", self._predict, expect_handler=self._expect)
            app.router.add_get(path, self._status)
            app.router.add_get(path + "/metadata", self._describe)
        for path, handler in (("healthz", self._healthy), ("readyz", self._ready), ("metrics", self._measured)):
            app.router.add_get(f"/{path}", handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        if self._runner.server is None:
            raise RuntimeError("aiohttp did not make its server")
        # Around everything, and not a middleware: aiohttp answers `Expect` before those.
        self._handler = self._runner.server.request_handler
        self._runner.server.request_handler = self._counted
        self._connections = Connections(
            self._runner.server,
            self._time_outs,
            self._limits.connections_of_client,
            lambda status: self._metrics.answered(status),
        )
        opened = self._connections.open
        self._metrics = Metrics(self._name, self._model.version, lambda: self._budget.taken, lambda: opened.total())
        self._answers = Answers(self._model, self._limits, self._metrics.computed)
        self._listener = await self._loop.create_server(self._connections, self._host, self._port, backlog=_BACKLOG)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        """Answers the requests in work; new ones are refused, and `/readyz` says so."""
        self._stops = True
        ends = self._loop.time() + self._time_outs.drain
        while self._in_work and self._loop.time() < ends:
            await asyncio.sleep(0.05)
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _counted(self, request: web.BaseRequest) -> web.StreamResponse:
        started = self._loop.time()
        if isinstance(request.protocol, Connection):
            request.protocol.arrived()
        response = await answered(request, self._handler)
        self._metrics.answered(response.status, self._loop.time() - started)
        if self._stops:
            response.force_close()
        return response

    async def _predict(self, request: web.Request) -> web.Response:
        self._check_model(request)
        verb = request.match_info["verb"]
        if verb not in ("predict", "predictRows"):
            raise RestError(404, f"':{verb}' is not supported, only ':predict' and, for rows, ':predictRows'.")
        if self._stops:
            raise RestError(503, _STOPPING)
        self._check_size(request)
        self._in_work += 1
        try:
            async with self._budget.share(client_of(request.transport)) as share:
                body = await self._body(request, share)
                if request.transport is None:
                    raise ConnectionResetError("The client is gone.")
                self._metrics.waiting.inc()
                answer = await self._loop.run_in_executor(self._pool, self._compute, verb, body)
            return web.Response(body=answer, content_type="application/json")
        finally:
            self._in_work -= 1

    def _compute(self, verb: str, body: bytes) -> bytes:
        self._metrics.waiting.dec()
        with self._metrics.running.track_inprogress():
            return self._answers.of(verb, body)

    async def _body(self, request: web.Request, share: Share) -> bytes:
        """The body. Memory is taken as its parts arrive, so a client that sends nothing holds nothing."""
        parts: list[bytes] = []
        ends = self._loop.time() + self._time_outs.body
        try:
            while part := await asyncio.wait_for(request.content.readany(), ends - self._loop.time()):
                if share.size + len(part) > self._limits.body_bytes:
                    raise too_large(self._limits.body_bytes, None)
                waits = self._loop.time()
                await self._take(share, len(part))
                ends += self._loop.time() - waits
                parts.append(part)
        except asyncio.TimeoutError:
            raise RestError(408, f"The body did not arrive within {self._time_outs.body:g} s.") from None
        except web.RequestPayloadError as error:
            encoding = request.headers.get("Content-Encoding", "none")
            raise RestError(
                400, f"The body cannot be read: it is not complete, or its encoding is not '{encoding}'."
            ) from error
        return b"".join(parts)

    async def _take(self, share: Share, size: int) -> None:
        try:
            await asyncio.wait_for(share.take(size), self._time_outs.queue)
        except asyncio.TimeoutError:
            raise RestError(503, "The server is busy with other requests. Send the request again.") from None

    async def _status(self, request: web.Request) -> web.Response:
        self._check_model(request)
        return web.json_response(status_of(self._model))

    async def _describe(self, request: web.Request) -> web.Response:
        self._check_model(request)
        return web.json_response(self._metadata)

    async def _healthy(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, request: web.Request) -> web.Response:
        return error_response(503, _STOPPING) if self._stops else web.json_response({"status": "ready"})

    async def _measured(self, request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    def _check_model(self, request: web.Request) -> None:
        check_model(self._model, self._name, request.match_info["name"], request.match_info.get("version"))

    def _check_size(self, request: web.Request) -> None:
        if (request.content_length or 0) > self._limits.body_bytes:
            raise too_large(self._limits.body_bytes, request.content_length)

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """Answers a client that asks before it sends a large body."""
        if request.headers.get("Expect", "").lower() != "100-continue":
            raise RestError(417, f"Unknown 'Expect: {request.headers.get('Expect')}'.")
        self._check_size(request)
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None
