"""Each error of a handler is JSON with its status."""

import asyncio
import json
import logging

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tfx_sequences.errors import DataError
from tfx_sequences.pipeline.rest.rest_errors import answered, too_large
from tfx_sequences.pipeline.rest.rest_limits import RestError

ERRORS = {
    "ours": (RestError(413, "too many rows"), 413, "too many rows"),
    "of data": (DataError("Row 3 cannot be used.", fix="Correct it."), 400, "Row 3 cannot be used."),
    "of size": (too_large(5, 7), 413, "at most 5 bytes are allowed, received 7 bytes"),
    "of method": (web.HTTPMethodNotAllowed("PUT", ["GET"]), 405, "PUT is not allowed for /x; use GET"),
    "of place": (web.HTTPNotFound(), 404, "Nothing is served at /x"),
    "of aiohttp": (web.HTTPNotAcceptable(), 406, "Not Acceptable"),
    "a defect": (KeyError("secret"), 500, "This is a bug in tfx-sequences"),
}


def answer_to(error):
    async def handler(request):
        raise error

    return asyncio.run(answered(make_mocked_request("GET", "/x"), handler))


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_json_with_its_status(name, caplog):
    error, status, words = ERRORS[name]
    with caplog.at_level(logging.CRITICAL):
        response = answer_to(error)
    assert response.status == status and response.content_type == "application/json"
    body = json.loads(response.text)
    assert list(body) == ["error"] and words in body["error"] and "secret" not in body["error"]


def test_a_busy_server_says_when_to_try_again():
    assert answer_to(RestError(503, "busy")).headers["Retry-After"] == "1"


@pytest.mark.parametrize("error", [ConnectionResetError(), asyncio.CancelledError()])
def test_a_client_that_is_gone_gets_nothing(error):
    with pytest.raises(type(error)):
        answer_to(error)
