"""Clients that are slow, idle, many or no HTTP clients: real sockets, beside a good client that is answered."""

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest

from tests.everything import plain_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body
from tfx_sequences.pipeline.rest.rest_connections import TimeOuts
from tfx_sequences.pipeline.rest.rest_limits import Limits
from tfx_sequences.pipeline.rest.rest_server import RestServer

PLACE = "/v1/models/everything:predict"
LIMITS = Limits(body_bytes=1 << 20, rows=50, steps=20, padded_steps=800)
CONTEXT, SEQUENCE = plain_records()[5]


@pytest.fixture(scope="module")
def model(exported_everything):
    return load_model(exported_everything[1])


@pytest.fixture(scope="module")
def body(model):
    return json.dumps(make_rest_body({**CONTEXT, **SEQUENCE}, model.spec)).encode()


def head(length, more=""):
    return f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n".encode()


@contextlib.contextmanager
def running(model, **options):
    """A server, and a function that opens connections to it."""
    with (
        RestServer(model, "everything", **{"limits": LIMITS, **options}) as server,
        contextlib.ExitStack() as open_ones,
    ):
        yield server, lambda: open_ones.enter_context(socket.create_connection(server.address, timeout=120))


def ask(server, method="GET", place="/healthz", data=None):
    connection = http.client.HTTPConnection(*server.address, timeout=120)
    with contextlib.closing(connection):
        connection.request(method, place, data)
        answer = connection.getresponse()
        return answer.status, answer.read()


def received(client):
    """Status and JSON that a client gets before the server closes its connection."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 16):
            data += part
    headers, _, content = data.partition(b"\r\n\r\n")
    assert b"application/json" in headers, data
    return int(headers[9:12]), json.loads(content)


NO_HTTP = {
    "TLS": b"\x16\x03\x01 no HTTP\r\n\r\n",
    "bad request line": b"PREDICT\r\n\r\n",
    "bad chunks": f"POST {PLACE} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
    "two lengths": head(3, "Content-Length: 4\r\n") + b"abc",
    "a length that is not a number": head("many"),
    "a long header": head(3, f"X: {'x' * 20_000}\r\n") + b"abc",
    "a header with NUL": head(3, "X: \0\r\n") + b"abc",
}


@pytest.fixture(scope="module")
def server(model):
    with running(model) as (its, connect):
        yield its, connect


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_has_an_error_in_json(server, body, name):
    its, connect = server
    client = connect()
    client.sendall(NO_HTTP[name])
    status, answer = received(client)
    assert status == 400 and list(answer) == ["error"], answer
    assert ask(its, "POST", PLACE, body)[0] == 200


@pytest.mark.parametrize("place", ["/healthz", "/nowhere", PLACE])
def test_an_unknown_expectation_has_an_error_in_json_everywhere(server, place):
    _, connect = server
    client = connect()
    client.sendall(f"POST {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nExpect: wonders\r\n\r\n".encode())
    answer = client.recv(1 << 16)
    assert answer[9:12] in (b"417", b"405") and b"application/json" in answer and b'{"error": ' in answer, answer


def test_clients_that_send_nothing_hold_nothing(model, body):
    with running(model, time_outs=TimeOuts(body=600)) as (server, connect):
        for _ in range(12):
            connect().sendall(head(LIMITS.body_bytes))
        assert ask(server, "POST", PLACE, body)[0] == 200


def test_a_client_that_sends_much_and_stops_leaves_room_for_others(model, body):
    """Four bodies fit into memory; of one client, two. The others wait, and do not hold what they have not sent."""
    with running(model, time_outs=TimeOuts(body=600)) as (server, connect):
        for _ in range(4):
            connect().sendall(head(LIMITS.body_bytes) + b" " * (LIMITS.body_bytes - 1))
        # From another address, as another client.
        other = socket.create_connection(server.address, timeout=120, source_address=("127.0.0.2", 0))
        with other:
            other.sendall(head(len(body)) + body)
            assert other.recv(12)[9:] == b"200"


def test_bodies_that_arrive_together_and_exceed_the_memory_are_all_answered(model, body):
    body += b" " * (LIMITS.body_bytes - len(body))
    with running(model) as (_, connect):
        clients = [connect() for _ in range(8)]
        # Every client sends most of its body before any of them is complete.
        for client in clients:
            client.sendall(head(len(body)) + body[: len(body) // 2])
        senders = [threading.Thread(target=c.sendall, args=[body[len(body) // 2 :]]) for c in clients]
        for sender in senders:
            sender.start()
        assert [client.recv(12)[9:] for client in clients] == [b"200"] * 8
        for sender in senders:
            sender.join()


def test_what_does_not_arrive_ends_its_request(model, body):
    with running(model, time_outs=TimeOuts(headers=0.3, body=0.3, idle=2)) as (server, connect):
        without_body, without_headers, silent = (connect() for _ in range(3))
        without_body.sendall(head(99) + b"{")
        without_headers.sendall(b"POST / HTTP/1.1\r\nHost: ")
        status, answer = received(without_body)
        assert status == 408 and "The body did not arrive within 0.3 s" in answer["error"]
        for client in (without_headers, silent):
            status, answer = received(client)
            assert status == 408 and "The headers did not arrive within 0.3 s" in answer["error"]
        # After its first answer a connection is closed when no further request comes.
        idle = connect()
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert received(idle)[0] == 200
        assert ask(server, "POST", PLACE, body)[0] == 200


def test_a_client_that_does_not_read_is_disconnected(model):
    with running(model, time_outs=TimeOuts(answer=0.3)) as (server, connect):
        client = connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /v1/models/everything/metadata HTTP/1.1\r\nHost: x\r\n\r\n"
        client.settimeout(0.2)
        ends = time.monotonic() + 60
        with pytest.raises((ConnectionError, BrokenPipeError)):
            while time.monotonic() < ends:
                with contextlib.suppress(TimeoutError):
                    client.sendall(request)
        assert ask(server)[0] == 200


def test_a_client_has_a_bound_of_connections(model, body):
    with running(model, limits=Limits(connections_of_client=3)) as (server, connect):
        kept = [connect() for _ in range(3)]
        for client in kept:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(12)[9:] == b"200"
        status, answer = received(connect())
        assert status == 503 and "3 connections already" in answer["error"]
        with socket.create_connection(server.address, timeout=60, source_address=("127.0.0.2", 0)) as other:
            other.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert other.recv(12)[9:] == b"200"
        kept[0].close()
        ends = time.monotonic() + 60
        status = 0
        while status != 200 and time.monotonic() < ends:
            with contextlib.suppress(ConnectionError, http.client.HTTPException):
                status = ask(server, "POST", PLACE, body)[0]
        assert status == 200


def test_running_requests_are_answered_while_the_server_stops(model, body, monkeypatch):
    """As after SIGTERM: not ready, no new work, but what was begun is finished."""
    begun, goes_on = threading.Event(), threading.Event()
    run = type(model).run

    def slow(self, *inputs):
        begun.set()
        assert goes_on.wait(60)
        return run(self, *inputs)

    monkeypatch.setattr(type(model), "run", slow)
    server = RestServer(model, "everything", limits=LIMITS)
    server.__enter__()
    found = []
    client = threading.Thread(target=lambda: found.append(ask(server, "POST", PLACE, body)))
    client.start()
    assert begun.wait(60)
    assert ask(server, place="/readyz")[0] == 200
    stop = threading.Thread(target=server.__exit__, args=(None, None, None))
    stop.start()
    ends = time.monotonic() + 60
    while ask(server, place="/readyz")[0] != 503:
        assert time.monotonic() < ends
    assert ask(server)[0] == 200
    status, answer = ask(server, "POST", PLACE, body)
    assert status == 503 and b"is stopping" in answer
    goes_on.set()
    client.join(60)
    stop.join(60)
    assert not stop.is_alive() and found[0][0] == 200
    with pytest.raises(OSError):
        ask(server)
