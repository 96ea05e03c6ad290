"""Asks `tfx-sequences serve`'s server many times from several clients: none lost, and how long answers take.

    python benchmarks/serving.py MODEL [--requests 10000] [--clients 8] [--steps 20]

MODEL is a pushed model or a run's output folder. Each request is one record of random values; its answer is
compared with the model's own.
"""

from __future__ import annotations

import argparse
import http.client
import json
import resource
import threading
import time

import numpy as np

from tfx_sequences.compat import quiet_environment
from tfx_sequences.components.serving.loaded_model import LoadedModel, load_model
from tfx_sequences.components.serving.requests import make_rest_body
from tfx_sequences.pipeline.rest.rest_server import RestServer
from tfx_sequences.schemas.features.request_inputs import request_inputs

_KINDS = 16


def random_rows(model: LoadedModel, steps: int) -> list[dict]:
    """Rows with a random value for each number that the spec has; a model of terms gets none it knows."""
    random = np.random.default_rng(0)
    rows = []
    for _ in range(_KINDS):
        length = int(random.integers(1, steps + 1))
        row = {}
        for name, given in request_inputs(model.spec).items():
            feature = given.feature
            size = ((length,) if feature.is_sequence else ()) + feature.shape
            values = random.normal(size=size) if feature.dtype == "float32" else np.zeros(size, int)
            if feature.dtype == "string":
                values = np.full(size, "a term")
            values = values.tolist()
            if feature.multi_valued:
                values = [[value] for value in values] if feature.is_sequence else [values]
            row[name] = values
        rows.append(row)
    return rows


def measure(model: LoadedModel, requests: int, clients: int, steps: int) -> dict[str, float]:
    """Latencies in ms, and counts; raises if an answer is not the model's."""
    rows = random_rows(model, steps)
    output = next(name for name in sorted(model.predict(rows[0])) if name.endswith(("scores", "predictions")))
    expected = [model.predict(row)[output].tolist() for row in rows]
    bodies = [json.dumps(make_rest_body(row, model.spec)) for row in rows]
    seconds: list[float] = []
    wrong: list[object] = []

    with RestServer(model, "model") as server:

        def client(first: int) -> None:
            connection = http.client.HTTPConnection(*server.address, timeout=120)
            for number in range(first, requests, clients):
                started = time.perf_counter()
                connection.request("POST", "/v1/models/model:predict", bodies[number % _KINDS])
                answer = connection.getresponse()
                body = json.loads(answer.read())
                seconds.append(time.perf_counter() - started)
                if answer.status != 200 or body["outputs"][output] != expected[number % _KINDS]:
                    wrong.append(body)

        threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed = time.perf_counter() - started
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {
        "requests": requests,
        "answered": len(seconds),
        "wrong": len(wrong),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "per_second": round(requests / elapsed, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    figures = measure(load_model(options.model), options.requests, options.clients, options.steps)
    print("\n".join(f"{name:<12} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    quiet_environment()
    main()
