"""Runs one route of `input.py` for one epoch in this process and prints what it took, as JSON."""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def run(module: str, name: str, folder: Path, records: int) -> dict[str, Any]:
    """One epoch, after all is written that is written once, and a first batch has started all threads."""
    routes = importlib.import_module(module)
    start, arguments = routes.ROUTES[name]
    epoch = start(folder, records, **arguments)
    warm = epoch()
    next(iter(warm))
    del warm
    _forget_peak()
    before, started = _cpu_seconds(), time.perf_counter()
    batches, records, real, padded = sum(epoch()).tolist()
    wall, after = time.perf_counter() - started, _cpu_seconds()
    return {
        "records": records,
        "batches": batches,
        "real_steps": real,
        "padded_steps": padded,
        "wall_seconds": wall,
        "cpu_seconds": after - before,
        # Of this process and its workers, which are alike: pages that they share count in each.
        "peak_bytes": _peak_resident() + getattr(routes, "WORKERS", 0) * _peak_resident_of_children(),
    }


def _cpu_seconds() -> float:
    """Of this process, its threads, and the worker processes that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_resident() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def _peak_resident_of_children() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


if __name__ == "__main__":
    module, name, folder, records = sys.argv[1:]
    print(json.dumps(run(module, name, Path(folder), int(records))), flush=True)
