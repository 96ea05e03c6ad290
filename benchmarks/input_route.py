"""Runs one route of `input.py` for one epoch in this process and prints what it took, as JSON."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any


def run(module: str, name: str, folder: Path, records: int, prepare: bool) -> dict[str, Any]:
    """One epoch, after the first batch of another has started every thread and loaded every library."""
    routes = importlib.import_module(module)
    start, arguments = routes.ROUTES[name]
    epoch = start(folder, records, **arguments)
    if prepare:
        return {}
    warm = epoch()
    next(iter(warm))
    del warm
    _forget_peak()
    before, started = os.times(), time.perf_counter()
    records = batches = real = padded = 0
    for lengths, steps in epoch():
        batches += 1
        records += len(lengths)
        real += int(lengths.sum())
        padded += len(lengths) * int(steps)
    wall, after = time.perf_counter() - started, os.times()
    return {
        "records": records,
        "batches": batches,
        "real_steps": real,
        "padded_steps": padded,
        "wall_seconds": wall,
        # Threads, and the worker processes that the epoch has ended.
        "cpu_seconds": sum(after[:4]) - sum(before[:4]),
        # Of this process and its workers, which are alike: pages that they share count in each.
        "peak_bytes": _peak_resident() + getattr(routes, "WORKERS", 0) * _peak_resident_of_children(),
    }


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_resident() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def _peak_resident_of_children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


if __name__ == "__main__":
    module, name, folder, records, mode = sys.argv[1:]
    result = run(module, name, Path(folder), int(records), mode == "prepare")
    print(json.dumps(result), flush=True)
