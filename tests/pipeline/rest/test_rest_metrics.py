"""Metrics count what clients got and what the model computed."""

import re

import pytest

from tests.pipeline.rest.test_rest_connections import PLACE, ask, received, running
from tests.pipeline.rest.test_rest_connections import body as body
from tests.pipeline.rest.test_rest_connections import model as model
from tfx_sequences.pipeline.rest.rest_limits import Work
from tfx_sequences.pipeline.rest.rest_metrics import Metrics

NAME = "tfx_sequences_"


def metric(text, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])


def test_metrics_count_what_clients_got(model, body):
    with running(model) as (server, connect):
        for _ in range(3):
            assert ask(server, "POST", PLACE, body)[0] == 200
        assert ask(server, "POST", PLACE, b"{")[0] == 400
        client = connect()
        client.sendall(b"no HTTP\r\n\r\n")
        assert received(client)[0] == 400
        text = ask(server, place="/metrics")[1].decode()
    assert metric(text, NAME + 'requests_total{status="200"}') == 3
    assert metric(text, NAME + 'requests_total{status="400"}') == 2
    assert metric(text, NAME + "request_seconds_count") == 4
    # Each record has five steps, and nothing is padded.
    assert metric(text, NAME + "rows_total") == 3
    assert metric(text, NAME + "steps_total") == metric(text, NAME + "padded_steps_total") == 15
    assert metric(text, NAME + 'padding_ratio_bucket{le="1.0"}') == 3
    assert metric(text, NAME + 'model_version{model="everything"}') == model.version
    for gauge in ("requests_waiting", "requests_running", "body_bytes"):
        assert metric(text, NAME + gauge) == 0
    assert metric(text, NAME + "connections") >= 1


def test_padding_is_counted_in_steps_and_as_a_ratio():
    metrics = Metrics("m", 3, lambda: 7, lambda: 2)
    metrics.computed(Work(rows=2, steps=10, padded_steps=14))
    metrics.computed(Work(rows=1))
    metrics.answered(200, 0.3)
    metrics.answered(408)
    text = metrics.text().decode()
    found = [metric(text, NAME + name) for name in ("rows_total", "steps_total", "padded_steps_total", "body_bytes")]
    assert found == [3, 10, 14, 7]
    assert metric(text, NAME + "padding_ratio_sum") == pytest.approx(1.4)
    assert metric(text, NAME + 'request_seconds_bucket{le="0.5"}') == 1
    assert metric(text, NAME + 'requests_total{status="408"}') == 1
