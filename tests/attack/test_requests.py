"""Requests: 20 000 bodies to the server's handler, and some hundreds of whole requests over sockets.

Each has an answer, or an error in JSON that is the client's. Good requests in between have the same answer, bit by bit.
"""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import contextlib
import json
import socket
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.attack.json_mutators import mutated
from tests.everything import everything_spec, plain_records
from tests.example_lists import example_list, lists
from tests.rows import frame_of
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body
from tfx_sequences.pipeline.rest.rest_answers import Answers
from tfx_sequences.pipeline.rest.rest_connections import TimeOuts
from tfx_sequences.pipeline.rest.rest_errors import answered
from tfx_sequences.pipeline.rest.rest_limits import Limits
from tfx_sequences.pipeline.rest.rest_server import RestServer

REQUESTS = {"records and tensors": 1500, "lists": 17_000, "rows": 1500}
OVER_SOCKETS = 400
# A good request after so many bad ones.
_GOOD = 100
_LIMITS = Limits(body_bytes=1 << 20, rows=200, steps=500, padded_steps=20_000, memory_bytes=256 << 20)
_REFUSED = {400, 404, 408, 413, 417}
_OF_HTTP = {405, 501, 503, 505}
_MOST_GROWTH = 400 << 20


def by_row(tensors):
    """The inputs of each row."""
    columns = tensors["inputs"]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def records_and_tensors():
    rows = [{**context, **sequence} for context, sequence in plain_records()][5:8]
    spec = everything_spec()
    by_column = make_rest_body(rows, spec)
    records = by_column["inputs"]["examples"]
    tensors = make_rest_body(rows, spec, signature_name="serving_tensors")
    yield "predict", by_column
    yield "predict", {"instances": records}
    yield "predict", {"instances": [{"examples": record} for record in records]}
    yield "predict", {"signature_name": "transform_features", "inputs": records}
    yield "predict", tensors
    yield "predict", {"signature_name": "serving_tensors", "instances": by_row(tensors)}


def of_lists(spec):
    records = [base64.b64encode(example_list(*each).SerializeToString()).decode() for each in lists()[:3]]
    given = [{"b64": record} for record in records]
    yield "predict", {"signature_name": "serving_elwc", "instances": given}
    yield "predict", {"signature_name": "serving_elwc", "inputs": {"examples": given}}
    keys = ("cuisine", "seats", "tags")
    rows = [{**context, **{key: [item.get(key) for item in items] for key in keys}} for context, items in lists()[:3]]
    tensors = make_rest_body(rows, spec, signature_name="serving_tensors")
    yield "predict", make_rest_body(rows, spec)
    yield "predict", tensors
    yield "predict", {"signature_name": "serving_tensors", "instances": by_row(tensors)}


def of_rows():
    rows = json.loads(frame_of(20, users=3, seed=7).drop(columns="bought").to_json(orient="records"))
    yield "predictRows", {"rows": rows}
    yield "predictRows", {"rows": rows, "join": "mean"}


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


class Handler:
    """The server's answers and errors, without sockets."""

    def __init__(self, model):
        self._answers = Answers(model, _LIMITS, lambda work: None)
        self._request = make_mocked_request("POST", "/v1/models/m:predict")

    async def ask(self, verb, body):
        async def handler(request):
            return web.Response(body=self._answers.of(verb, body), content_type="application/json")

        response = await answered(self._request, handler)
        return response.status, response.body


def no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def checked(status, body, refused=_REFUSED):
    """The outcome of a request; its answer must be JSON."""
    answer = json.loads(body, parse_constant=no_constant)
    if status == 200:
        assert set(answer) <= {"predictions", "outputs"}
        return "answered"
    assert status in refused and list(answer) == ["error"] and answer["error"], (status, answer)
    assert "Traceback" not in answer["error"]
    return "refused"


def attack(model, requests, count, random, tally, route):
    handler, good = Handler(model), list(requests)

    async def run():
        expected = [await handler.ask(verb, json.dumps(body).encode()) for verb, body in good]
        assert [status for status, _ in expected] == [200] * len(good)
        before = resident()
        for number in range(count):
            verb, request = good[number % len(good)]
            body = mutated(request, random)
            try:
                tally.add(route, checked(*await handler.ask(verb, body)))
            except AssertionError:
                tally.add(route, "crashed")
                print(body[:2000])
                raise
            if number % _GOOD == 0:
                which = number // _GOOD % len(good)
                verb, request = good[which]
                assert await handler.ask(verb, json.dumps(request).encode()) == expected[which]
        assert resident() - before < _MOST_GROWTH

    asyncio.run(run())


def test_records_and_tensors(exported_everything, rounds, tally):
    model, route = load_model(exported_everything[1]), "requests of records and tensors"
    for random in rounds(1):
        attack(model, records_and_tensors(), REQUESTS["records and tensors"], random, tally, route)
    assert tally.counts[route]["answered"] > REQUESTS["records and tensors"] // 20


def test_lists_of_examples(lists_model, rounds, tally):
    for random in rounds(1):
        attack(lists_model, of_lists(lists_model.spec), REQUESTS["lists"], random, tally, "requests of lists")
    assert tally.counts["requests of lists"]["answered"] > REQUESTS["lists"] // 20


@pytest.mark.tfx
def test_rows_of_tables(rows_model, rounds, tally):
    model = load_model(rows_model)
    for random in rounds(1):
        attack(model, of_rows(), REQUESTS["rows"], random, tally, "requests of rows")
    assert tally.counts["requests of rows"]["answered"] > REQUESTS["rows"] // 20


METHODS = (
    "POST",
    "POST",
    "POST",
    "GET",
    "PUT",
    "HEAD",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "TRACE",
    "CONNECT",
    "x",
    "\0",
    "P" * 300,
)
PLACES = (
    "",
    ":predict",
    ":predictRows",
    ":classify",
    "/metadata",
    "/versions/7:predict",
    "/versions/9",
    "/versions/7/metadata",
)
WHOLE_PLACES = (
    "/",
    "/v1/models",
    "//",
    "*",
    "/%00",
    "/%zz",
    "/v1/models/é",
    "/healthz",
    "/readyz",
    "/metrics?a=b",
    "http://x/",
    "x" * 9000,
)
HEADERS = (
    "Content-Encoding: gzip",
    "Content-Encoding: deflate",
    "Content-Encoding: br",
    "Content-Encoding: zstd",
    "Content-Encoding: no-such",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity",
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Expect: 100-continue",
    "Expect: 200-maybe",
    "Content-Type: text/html",
    "Content-Type: application/json; charset=utf-16",
    "Connection: close",
    "Connection: upgrade",
    "Upgrade: websocket",
    "Accept: text/html",
    "Accept-Encoding: gzip",
    "Range: bytes=0-1",
    "X: " + "y" * 9000,
    "X\0: y",
    ": y",
    " folded",
    "Host: other",
)


def raw_request(request, random):
    """The bytes of a request with a wrong method, place, header or body; one in ten is cut."""
    one = lambda things: things[int(random.integers(len(things)))]  # noqa: E731
    body = mutated(request, random) if random.random() < 0.7 else json.dumps(request).encode()
    place = "/v1/models/everything" + (":predict" if random.random() < 0.5 else one(PLACES))
    place = one(WHOLE_PLACES) if random.random() < 0.2 else place
    method, version = one(METHODS) if random.random() < 0.5 else "POST", one(["1.1", "1.1", "1.1", "1.0", "2", "9.9"])
    lines = [f"{method} {place} HTTP/{version}", "Host: x", f"Content-Length: {len(body)}"]
    lines += [one(HEADERS) for _ in range(int(random.integers(0, 3)))]
    data = "\r\n".join([*lines, "", ""]).encode("utf-8") + body
    return data[: int(random.integers(1, len(data)))] if random.random() < 0.1 else data


def responses(data):
    """Status and body of each whole response; `100 Continue` is left out."""
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        assert found and head.startswith(b"HTTP/1."), data[:200]
        status, fields = int(head[9:12]), dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        length = int(fields.get(b"content-length", 0))
        if status != 100:
            yield status, rest[:length], fields.get(b"content-type", b"")
        data = rest[length:] if status != 100 else rest


def over_a_socket(address, data):
    received = b""
    with socket.create_connection(address, timeout=60) as client, contextlib.suppress(ConnectionError):
        client.sendall(data)
        while part := client.recv(1 << 16):
            received += part
    return received


def test_whole_requests_over_sockets(exported_everything, rounds, tally):
    model, route = load_model(exported_everything[1]), "requests over sockets"
    good = list(records_and_tensors())
    time_outs = TimeOuts(headers=0.2, idle=0.2, body=0.2, linger=0.2)
    with RestServer(model, "everything", limits=_LIMITS, time_outs=time_outs) as server:
        body = json.dumps(good[0][1]).encode()
        head = f"POST /v1/models/everything:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        [(status, expected, _)] = responses(over_a_socket(server.address, head + body))
        assert status == 200

        def one(data):
            received, outcomes = over_a_socket(server.address, data), []
            for status, answer, kind in responses(received):
                if b"openmetrics" in kind or b"text/plain" in kind or not answer or b'"status"' in answer[:10]:
                    assert status == 200 or data.startswith(b"HEAD")
                elif b"model_version_status" not in answer and b"model_spec" not in answer:
                    checked(status, answer, _REFUSED | _OF_HTTP)
                assert status != 500
                outcomes.append("answered" if status == 200 else "refused")
            return outcomes[0] if outcomes else "counted"

        for random in rounds(1):
            raw = [raw_request(good[n % len(good)][1], random) for n in range(OVER_SOCKETS)]
            with concurrent.futures.ThreadPoolExecutor(16) as clients:
                for number, outcome in enumerate(clients.map(one, raw)):
                    # A client that sends a part of a request and waits may get nothing but a closed connection.
                    tally.add(route, outcome)
                    if number % _GOOD == 0:
                        [(status, answer, _)] = responses(over_a_socket(server.address, head + body))
                        assert (status, answer) == (200, expected)
    assert tally.tried(route) >= OVER_SOCKETS


def test_a_mutant_is_mostly_another_request():
    random = np.random.default_rng(0)
    request = next(records_and_tensors())[1]
    mutants = {mutated(request, random) for _ in range(200)}
    assert len(mutants) > 100
