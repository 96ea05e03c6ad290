"""Every error of a request as JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.rest.rest_connections import error_response
from tfx_sequences.pipeline.rest.rest_limits import RestError

_LOG = logging.getLogger("tfx_sequences.serve")
_SECONDS_TO_RETRY = "1"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def answered(request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
    """The answer of a handler, or its error."""
    try:
        return await handler(request)
    except RestError as error:
        response = error_response(error.status, str(error))
        if error.status == 503:
            response.headers["Retry-After"] = _SECONDS_TO_RETRY
        return response
    except UserInputError as error:
        return error_response(400, str(error))
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        response = error_response(error.status, f"{error.method} is not allowed for {request.path}; use {allowed}.")
        response.headers["Allow"] = allowed
        return response
    except web.HTTPNotFound as error:
        places = "/v1/models/NAME[/versions/V][:predict|/metadata], /healthz, /readyz or /metrics"
        return error_response(error.status, f"Nothing is served at {request.path}; expected {places}.")
    except web.HTTPException as error:
        return error_response(error.status, error.reason)
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:
        _LOG.exception("A request failed.")
        return error_response(500, "This is a bug in tfx-sequences; see the server's log.")


def too_large(limit: int, received: int | None) -> RestError:
    """The error of a body that is too large; None if its size is not known."""
    size = "more" if received is None else f"{received} bytes"
    return RestError(413, f"The body is too large: at most {limit} bytes are allowed, received {size}.")
