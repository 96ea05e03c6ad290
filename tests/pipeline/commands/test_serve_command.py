"""`tfx-sequences serve` as a process: it answers, refuses what is too large, and ends when it is told to."""

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
from tfx_sequences.components.serving.requests import make_rest_body

_BODY = 100 << 20
_CHUNK = bytes(1 << 16)


def peak_mb(pid):
    [line] = [x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmHWM")]
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


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_end(exported_everything):
    model = exported_everything[1].parent
    words = [sys.executable, "-m", "tfx_sequences", "serve", str(model), "--port", "0", "--max-body", "1"]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = iter(server.stdout.readline, "")
        port = int(
            next(found[1] for line in lines if (found := re.search(r":(\d+)/v1/models/everything:predict", line)))
        )
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

        before = peak_mb(server.pid)
        sent = (_CHUNK for _ in range(_BODY // len(_CHUNK)))
        status, answer = ask(port, "POST", "/v1/models/everything:predict", sent, encode_chunked=True)
        assert status == 413 and "at most 1048576 bytes are allowed" in answer["error"]
        after = peak_mb(server.pid)
        print(f"peak of the server: {before} MiB before a body of 100 MiB, {after} MiB after")
        assert after - before < 50
        assert ask(port, "POST", "/v1/models/everything:predict", body)[0] == 200

        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=120) == 0
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
