"""A model server for development: TensorFlow Serving's REST API for predict, metadata and status.

The size of a body is limited, and so is the total size of all bodies in memory. The model runs in separate threads, so
that a long request does not delay error responses to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

from aiohttp import web

from tfx_sequences.compat import message_to_dict, return_freed_memory
from tfx_sequences.components.records.opening import opened
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.serving.loaded_model import LoadedModel
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.rest.rest_json import parse_json, parse_request, signature_of, write_answer
from tfx_sequences.pipeline.rest.rest_limits import CALLS_AT_A_TIME, Limits, RestError, check_sizes
from tfx_sequences.pipeline.rest.rest_rows import answer_rows

_LOG = logging.getLogger("tfx_sequences.serve")
_SECONDS_FOR_A_BODY = 60
_BODIES_AT_A_TIME = 4
# A byte of JSON takes about as many bytes as Python objects.
_BYTES_PARSED = 10
# A request that took more gives its memory back at once: glibc would keep it.
_MOST_KEPT = 64 << 20


class RestServer:
    """Serves one model over HTTP while it is entered.

    Args:
        model: The model.
        name: The model's name in requests.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        limits: Limits of a request.
        seconds_for_a_body: Seconds after which a body that has not arrived ends its request.
    """

    def __init__(
        self,
        model: LoadedModel,
        name: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits | None = None,
        seconds_for_a_body: float = _SECONDS_FOR_A_BODY,
    ) -> None:
        self._model = model
        self._name = name
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        model.calls.budget = self._limits.memory_of_a_call
        self._seconds_for_a_body = seconds_for_a_body
        self._metadata = _signature_metadata(model.folder)
        self._pool = ThreadPoolExecutor(CALLS_AT_A_TIME, "predict")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="serve", daemon=True)
        self._runner: web.AppRunner | None = None

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
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._pool.shutdown()

    async def _start(self) -> None:
        self._budget = _Budget(_BODIES_AT_A_TIME * self._limits.body_bytes)
        app = web.Application(middlewares=[_errors_as_json], client_max_size=self._limits.body_bytes)
        model = "/v1/models/{name:[^/:]+}"
        for path in (model, model + "/versions/{version:[^/:]+}"):
            app.router.add_post(path + ":{verb:[a-zA-Z]+}", self._predict, expect_handler=self._expect)
            app.router.add_get(path, self._status)
            app.router.add_get(path + "/metadata", self._describe)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _predict(self, request: web.Request) -> web.Response:
        self._check_model(request)
        verb = request.match_info["verb"]
        if verb not in ("predict", "predictRows"):
            raise RestError(404, f"':{verb}' is not supported, only ':predict' and, for rows, ':predictRows'.")
        self._check_size(request)
        async with self._budget.share() as share:
            try:
                body = await asyncio.wait_for(self._body(request, share), self._seconds_for_a_body)
            except asyncio.TimeoutError:
                if share.waits:
                    raise RestError(503, "The server is busy with other requests. Send the request again.") from None
                raise RestError(408, f"The body did not arrive within {self._seconds_for_a_body:g} s.") from None
            answers = self._answer if verb == "predict" else self._answer_rows
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, answers, body)
        return web.Response(body=answer, content_type="application/json")

    async def _body(self, request: web.Request, share: _Share) -> bytes:
        """The body. Memory is taken as its parts arrive, so a client that sends nothing holds nothing."""
        parts, size = [], 0
        try:
            async for part in request.content.iter_any():
                size += len(part)
                if size > self._limits.body_bytes:
                    raise _too_large(self._limits.body_bytes, None)
                await share.take(len(part))
                parts.append(part)
        except web.RequestPayloadError as error:
            encoding = request.headers.get("Content-Encoding", "none")
            raise RestError(
                400, f"The body cannot be read: it is not complete, or its encoding is not '{encoding}'."
            ) from error
        return b"".join(parts)

    def _answer(self, body: bytes) -> bytes:
        request = parse_json(body)
        signature_name = signature_of(request)
        parsed = parse_request(request, self._model.inputs_of(signature_name), self._limits)
        del request
        work = check_sizes(self._model, signature_name, parsed.inputs, self._limits)
        outputs = self._model.run(signature_name, parsed.inputs)
        answer = json.dumps(write_answer(outputs, parsed.by_row), ensure_ascii=False).encode()
        del parsed, outputs
        _return_memory(work.memory_bytes + _BYTES_PARSED * (len(body) + len(answer)))
        return answer

    def _answer_rows(self, body: bytes) -> bytes:
        answer, work = answer_rows(self._model, parse_json(body), self._limits)
        encoded = json.dumps(answer, ensure_ascii=False).encode()
        del answer
        _return_memory(work.memory_bytes + _BYTES_PARSED * (len(body) + len(encoded)))
        return encoded

    async def _status(self, request: web.Request) -> web.Response:
        self._check_model(request)
        status = {"error_code": "OK", "error_message": ""}
        version = {"version": str(self._model.version), "state": "AVAILABLE", "status": status}
        return web.json_response({"model_version_status": [version]})

    async def _describe(self, request: web.Request) -> web.Response:
        self._check_model(request)
        model_spec = {"name": self._name, "signature_name": "", "version": str(self._model.version)}
        signatures = {"signature_def": {"signature_def": self._metadata}}
        return web.json_response({"model_spec": model_spec, "metadata": signatures})

    def _check_model(self, request: web.Request) -> None:
        name, version = request.match_info["name"], request.match_info.get("version")
        if name != self._name:
            raise RestError(404, f"Unknown model '{name}'; this server has '{self._name}'.")
        if version is not None and version != str(self._model.version):
            raise RestError(
                404, f"Unknown version '{version}' of model '{name}'; this server has version {self._model.version}."
            )

    def _check_size(self, request: web.Request) -> None:
        if (request.content_length or 0) > self._limits.body_bytes:
            raise _too_large(self._limits.body_bytes, request.content_length)

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """Answers a client that asks before it sends a large body."""
        if request.headers.get("Expect", "").lower() != "100-continue":
            return _error(417, f"Unknown 'Expect: {request.headers.get('Expect')}'.")
        try:
            self._check_size(request)
        except RestError as error:
            return _error(error.status, str(error))
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None


class _Budget:
    """Limits the bytes of all bodies in memory; other requests wait until there is room.

    Requests whose bodies arrive at the same time could each wait for the others. So the request that began to send
    first never waits, and the limit is exceeded by one body at most.
    """

    def __init__(self, total: int) -> None:
        self._left = total
        self._changed = asyncio.Condition()
        # In the order of their first bytes: a dict keeps its order.
        self._shares: dict[_Share, None] = {}

    @contextlib.asynccontextmanager
    async def share(self) -> AsyncIterator[_Share]:
        """The share of one request; its bytes are given back at the end of the block."""
        share = _Share(self)
        try:
            yield share
        finally:
            async with self._changed:
                self._shares.pop(share, None)
                self._left += share.size
                self._changed.notify_all()

    async def take(self, share: _Share, size: int) -> None:
        """Adds bytes to a share, as soon as there is room."""
        self._shares.setdefault(share)
        async with self._changed:
            await self._changed.wait_for(lambda: self._left >= size or next(iter(self._shares)) is share)
            self._left -= size
            share.size += size


class _Share:
    """The bytes of one request in memory."""

    def __init__(self, budget: _Budget) -> None:
        self._budget = budget
        self.size = 0
        self.waits = False

    async def take(self, size: int) -> None:
        """Adds bytes to the share, as soon as there is room."""
        self.waits = True
        await self._budget.take(self, size)
        self.waits = False


@web.middleware
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except RestError as error:
        return _error(error.status, str(error))
    except UserInputError as error:
        return _error(400, str(error))
    except web.HTTPRequestEntityTooLarge as error:
        told = _too_large(request.client_max_size, None)
        return _error(error.status, str(told))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = _error(error.status, f"{error.method} is not allowed for {request.path}; use {allowed}.")
        response.headers["Allow"] = allowed
        return response
    except web.HTTPNotFound as error:
        return _error(
            error.status,
            f"Nothing is served at {request.path}; expected /v1/models/NAME[/versions/V][:predict|/metadata].",
        )
    except web.HTTPException as error:
        return _error(error.status, error.reason)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        _LOG.exception("A request failed.")
        return _error(500, "This is a bug in tfx-sequences; see the server's log.")


def _return_memory(taken: int) -> None:
    if taken > _MOST_KEPT:
        return_freed_memory()


def _too_large(limit: int, received: int | None) -> RestError:
    size = "more" if received is None else f"{received} bytes"
    return RestError(413, f"The body is too large: at most {limit} bytes are allowed, received {size}.")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _signature_metadata(folder: AnyPath) -> dict[str, Any]:
    """Inputs and outputs (dtype, shape) and method of each signature, in TensorFlow Serving's format.

    Args:
        folder: Folder of the SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    with opened(folder / "saved_model.pb") as file:
        data = file.read()
    saved = saved_model_pb2.SavedModel.FromString(data)
    found = {}
    for meta_graph in saved.meta_graphs:
        for name, signature in meta_graph.signature_def.items():
            if name.startswith("__"):  # TensorFlow's own signature for initialization
                continue
            # Includes default values: an unknown dimension has a name, but rank 0 is an empty list.
            found[name] = message_to_dict(signature)
            found[name].pop("defaults", None)
    return dict(sorted(found.items()))
