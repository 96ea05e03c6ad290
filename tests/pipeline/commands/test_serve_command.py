"""`tfx-sequences serve` as a process: it answers, refuses what is too large, and ends when it is told to."""

import base64
import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.everything import everything_spec, plain_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body, serialize_rows

_BODY = 100 << 20
_CHUNK = bytes(1 << 16)


def memory_mb(pid, name):
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith(name)]
    return int(line.split()[1]) // 1024


def ask(port, method, path, body=None, **options):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        # Refused while the body is on its way, the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, **options)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@contextlib.contextmanager
def serving(model, *options):
    """The process of `serve`, and its port."""
    words = [sys.executable, "-m", "tfx_sequences", "serve", str(model), "--port", "0", *options]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = iter(server.stdout.readline, "")
        found = (re.search(r":(\d+)/v1/models/everything:predict", line) for line in lines)
        yield server, int(next(its[1] for its in found if its))
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(exported_everything):
    model = exported_everything[1].parent
    with serving(model, "--max-body", "1") as (server, port):
        status, metadata = ask(port, "GET", "/v1/models/everything/metadata")
        assert status == 200 and metadata["model_spec"]["version"] == "7"
        assert "serving_tensors" in metadata["metadata"]["signature_def"]["signature_def"]

        rows = [{**context, **sequence} for context, sequence in plain_records()[3:6]]
        body = json.dumps(make_rest_body(rows, everything_spec()))
        status, answer = ask(port, "POST", "/v1/models/everything:predict", body)
        assert status == 200, answer
        expected = load_model(model).predict(rows)["scores"]
        received = (
            answer["outputs"]["scores"] if "outputs" in answer else [row["scores"] for row in answer["predictions"]]
        )
        np.testing.assert_allclose(received, expected, atol=1e-6)

        before = memory_mb(server.pid, "VmHWM")
        sent = (_CHUNK for _ in range(_BODY // len(_CHUNK)))
        status, answer = ask(port, "POST", "/v1/models/everything:predict", sent, encode_chunked=True)
        assert status == 413 and "at most 1048576 bytes are allowed" in answer["error"]
        after = memory_mb(server.pid, "VmHWM")
        print(f"peak of the server: {before} MiB before a body of 100 MiB, {after} MiB after")
        assert after - before < 50
        assert ask(port, "POST", "/v1/models/everything:predict", body)[0] == 200

        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=120) == 0


@pytest.mark.slow
def test_a_long_row_among_thousands_of_short_ones_takes_little_memory_and_gives_it_back(exported_everything):
    """Padded together, they would be 409 595 904 steps: with this model, more than 300 GB."""
    model, spec, count, long = exported_everything[1].parent, everything_spec(), 4096, 99_999
    context, sequence = plain_records()[5]
    # Of the long one, the other features are missing in all steps.
    steps = {"price": [0.5] * long, "at": [float(n) for n in range(long)], "day": [n % 7 for n in range(long)]}
    rows = [{**context, **sequence}, {**context, **steps}]
    records = [{"b64": base64.b64encode(record).decode()} for record in serialize_rows(rows, spec)]
    given = [records[0]] * count
    given[1000] = records[1]
    body = json.dumps({"instances": given})
    with serving(model) as (server, port):
        status, alone = ask(port, "POST", "/v1/models/everything:predict", json.dumps({"instances": records[:1]}))
        assert status == 200, alone
        before = memory_mb(server.pid, "VmRSS")
        status, answer = ask(port, "POST", "/v1/models/everything:predict", body)
        assert status == 200, answer
        peak, after = memory_mb(server.pid, "VmHWM"), memory_mb(server.pid, "VmRSS")
        print(f"MiB: {before} before, {peak} at most, {after} after")
        assert peak - before < 2048
        assert after - before < 300
        status, one = ask(port, "POST", "/v1/models/everything:predict", json.dumps({"instances": records[1:]}))
        assert status == 200, one
        scores = np.array([row["scores"] for row in answer["predictions"]])
        np.testing.assert_allclose(scores[1000], one["predictions"][0]["scores"], rtol=1e-5)
        np.testing.assert_allclose(
            np.delete(scores, 1000, 0), [alone["predictions"][0]["scores"]] * (count - 1), rtol=1e-5
        )
    long_alone = json.dumps({"instances": records[1:]})
    with serving(model, "--max-memory", "16") as (_, port):
        status, answer = ask(port, "POST", "/v1/models/everything:predict", long_alone)
        assert status == 413 and "Row 0 has 99999 steps and needs about" in answer["error"], answer
        assert "At most 8 MiB are available" in answer["error"] and "larger --max-memory" in answer["error"]
