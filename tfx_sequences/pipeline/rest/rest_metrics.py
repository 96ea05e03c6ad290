"""What the server measures, in the format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from tfx_sequences.pipeline.rest.rest_limits import Work

CONTENT_TYPE = CONTENT_TYPE_LATEST
_PREFIX = "tfx_sequences_"
_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_RATIOS = (1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 100)


class Metrics:
    """The metrics of one server.

    Args:
        model: The model's name.
        version: Its version.
        body_bytes: Returns the bytes of bodies in memory.
        connections: Returns the number of open connections.
    """

    def __init__(
        self, model: str, version: int, body_bytes: Callable[[], float], connections: Callable[[], float]
    ) -> None:
        # Not the global registry: a process may have several servers.
        self._registry = of = CollectorRegistry()
        self._requests = Counter(f"{_PREFIX}requests", "Requests, by status.", ["status"], registry=of)
        self._seconds = Histogram(
            f"{_PREFIX}request_seconds", "Time from the headers to the answer.", buckets=_SECONDS, registry=of
        )
        self._rows = Counter(f"{_PREFIX}rows", "Rows that were computed.", registry=of)
        self._steps = Counter(f"{_PREFIX}steps", "Their steps.", registry=of)
        self._padded = Counter(f"{_PREFIX}padded_steps", "Their steps with padding.", registry=of)
        self._ratio = Histogram(
            f"{_PREFIX}padding_ratio", "Steps with padding by steps, of a request.", buckets=_RATIOS, registry=of
        )
        self.waiting = Gauge(f"{_PREFIX}requests_waiting", "Requests that wait for the model.", registry=of)
        self.running = Gauge(f"{_PREFIX}requests_running", "Requests that the model computes.", registry=of)
        reserved = Gauge(f"{_PREFIX}body_bytes", "Bytes of all bodies in memory.", registry=of)
        reserved.set_function(body_bytes)
        opened = Gauge(f"{_PREFIX}connections", "Open connections.", registry=of)
        opened.set_function(connections)
        served = Gauge(f"{_PREFIX}model_version", "The version of the model.", ["model"], registry=of)
        served.labels(model).set(version)

    def answered(self, status: int, seconds: float | None = None) -> None:
        """Counts a request."""
        self._requests.labels(str(status)).inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def computed(self, work: Work) -> None:
        """Counts rows and their steps."""
        self._rows.inc(work.rows)
        self._steps.inc(work.steps)
        self._padded.inc(work.padded_steps)
        if work.steps:
            self._ratio.observe(work.padded_steps / work.steps)

    def text(self) -> bytes:
        """All metrics as Prometheus reads them."""
        return generate_latest(self._registry)
