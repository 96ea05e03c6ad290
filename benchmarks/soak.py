"""Asks `tfx-sequences serve` for a long time with good and bad requests: its memory, its latency, and lost requests.

    python benchmarks/soak.py MODEL [--seconds 3600] [--rate 50] [--bad 0.3]
    python benchmarks/soak.py MODEL --connections 500 --rows 4096

The server is a process of its own. Each request has its time, whether or not those before it are answered; its latency
counts from that time. A good request must have the answer of the first minute, bit by bit, and a bad one an error of
the client's. The second form sends a large request over each of many connections at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import numpy as np
import rich.table
from printed_table import print_table
from serving import random_rows

from tfx_sequences.compat import quiet_environment
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.requests import make_rest_body

# By how much memory may grow after the warm-up, and the slowest hundredth of the last third of the time by that of the
# first one.
_MOST_GROWTH = 0.05
_MOST_SLOWER = 1.5
_WARM_UP = 60
_MOST_MEMORY = 2 << 30
_CLIENTS = 64


@contextlib.contextmanager
def serving(model, *options):
    """The process of the server, and the URL of its model."""
    words = [sys.executable, "-m", "tfx_sequences", "serve", str(model), "--port", "0", *options]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = iter(server.stdout.readline, "")
        yield server, next(found[1] for line in lines if (found := re.search(r"(http://\S+):predict", line)))
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def memory(pid, name="VmRSS"):
    """Resident memory of a process in bytes: `VmRSS` now, `VmHWM` at most."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) << 10


def bad_bodies(good):
    """Bodies that are refused, each for another reason."""
    request = json.loads(good)
    yield good[: len(good) // 2]
    yield b"[" * 100_000
    yield b'{"inputs": ' + b"9" * 401 + b"}"
    yield json.dumps({**request, "signature_name": "no_such"}).encode()
    yield json.dumps({"instances": [{"b64": "/////w=="}]}).encode()
    yield json.dumps({"instances": [{"b64": "%"}] * 100}).encode()
    yield json.dumps({"inputs": {"examples": [1.5] * 5000}}).encode()
    yield b"\xff" * 200_000


class Soak:
    """Counts what became of requests, by minute."""

    def __init__(self, url, bodies, bad):
        self.url = url
        self.bodies = bodies
        self.bad = bad
        self.expected = {}
        self.latencies = {}
        self.lost = []

    async def ask(self, session, planned, started, number, is_bad):
        """One request; what is not as it must be is lost."""
        body = self.bad[number % len(self.bad)] if is_bad else self.bodies[number % len(self.bodies)]
        try:
            async with session.post(f"{self.url}:predict", data=body) as response:
                status, answer = response.status, await response.read()
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            self.lost.append(repr(error))
            return
        minute = int((planned - started) // 60)
        self.latencies.setdefault(minute, []).append(time.monotonic() - planned)
        if is_bad:
            if not 400 <= status < 500 or "error" not in json.loads(answer):
                self.lost.append(f"{status} for a bad request")
        elif status != 200 or self.expected.setdefault(number % len(self.bodies), answer) != answer:
            self.lost.append(f"{status} {answer[:200]!r}")

    async def run(self, seconds, rate, share_of_bad, pid):
        """Returns the memory by minute: the median of every second's."""
        random = np.random.default_rng(0)
        memories, waiting = {}, set()
        started = time.monotonic()
        connector, time_out = aiohttp.TCPConnector(limit=_CLIENTS), aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=connector, timeout=time_out) as session:
            for number in range(int(seconds * rate)):
                planned = started + number / rate
                await asyncio.sleep(max(0, planned - time.monotonic()))
                task = asyncio.create_task(self.ask(session, planned, started, number, random.random() < share_of_bad))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                if number % rate == 0:
                    memories.setdefault(int((planned - started) // 60), []).append(memory(pid))
            await asyncio.gather(*waiting)
        return {minute: float(np.median(its)) for minute, its in memories.items()}


def soak(model, options):
    """Prints a line for each minute; returns what is not as it must be."""
    bodies = [json.dumps(make_rest_body(row, model.spec)).encode() for row in random_rows(model, options.steps)]
    with serving(options.model) as (server, url):
        state = Soak(url, bodies, list(bad_bodies(bodies[0])))
        memories = asyncio.run(state.run(options.seconds, options.rate, options.bad, server.pid))
    table = rich.table.Table("minute", "answered", "p50 ms", "p99 ms", "memory MiB")
    slow = {}
    for minute, seconds in sorted(state.latencies.items()):
        p50, slow[minute] = np.percentile(seconds, [50, 99]) * 1000
        cells = (f"{p50:.1f}", f"{slow[minute]:.1f}", f"{memories[minute] / (1 << 20):.0f}")
        table.add_row(str(minute + 1), str(len(seconds)), *cells)
    print_table(table)
    after = [its for minute, its in memories.items() if minute * 60 >= _WARM_UP]
    growth = max(abs(its / after[0] - 1) for its in after) if after else 0.0
    minutes = [slow[minute] for minute in sorted(slow) if minute * 60 >= _WARM_UP]
    third = max(1, len(minutes) // 3)
    slower = float(np.median(minutes[-third:]) / np.median(minutes[:third])) if minutes else 1.0
    answered = sum(map(len, state.latencies.values()))
    print(f"{answered} answered, {len(state.lost)} lost or wrong; after the first minute memory within {growth:.1%}, ")
    print(f"p99 of the last third by the first: {slower:.2f}")
    return [
        *(["requests are lost: " + "; ".join(state.lost[:3])] if state.lost else []),
        *(["memory is not flat"] if growth > _MOST_GROWTH else []),
        *(["p99 is not flat"] if slower > _MOST_SLOWER else []),
    ]


async def at_once(url, body, connections):
    """Statuses of the same request over many connections, and the seconds until the last has its answer."""
    started = time.monotonic()
    connector = aiohttp.TCPConnector(limit=connections)

    async def one(session):
        async with session.post(f"{url}:predict", data=body) as response:
            await response.read()
            return response.status

    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=7200)) as session:
        statuses = await asyncio.gather(*(one(session) for _ in range(connections)))
    return statuses, time.monotonic() - started


def crowd(model, options):
    """Prints what many large requests at once take; returns what is not as it must be."""
    rows = random_rows(model, options.steps)
    body = json.dumps(make_rest_body([rows[n % len(rows)] for n in range(options.rows)], model.spec)).encode()
    with serving(options.model) as (server, url):
        statuses, seconds = asyncio.run(at_once(url, body, options.connections))
        peak = memory(server.pid, "VmHWM")
    good = statuses.count(200)
    print(f"{options.connections} connections, {options.rows} rows in {len(body) / 1e6:.1f} MB each: {good} answered, ")
    print(f"{len(statuses) - good} not, in {seconds:.0f} s; at most {peak / (1 << 20):.0f} MiB")
    return [
        *([f"statuses: {sorted(set(statuses))}"] if good < len(statuses) else []),
        *(["more than 2 GiB"] if peak > _MOST_MEMORY else []),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--bad", type=float, default=0.3)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--rows", type=int, default=4096)
    options = parser.parse_args()
    model = load_model(options.model)
    wrong = crowd(model, options) if options.connections else soak(model, options)
    print("\n".join(["FAIL", *wrong]) if wrong else "PASS")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    quiet_environment()
    main()
