"""Runs one route of `training.py` in this process and prints what an epoch took, as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def run(name: str, folder: Path, records: int, warm_up: int | None, network: str) -> dict[str, Any]:
    """One epoch, after another (or the first `warm_up` batches of it) has traced all functions and made all kernels."""
    import training_routes

    epoch = training_routes.ROUTES[name](folder, records, network)
    epoch(warm_up)
    before, started = _cpu_seconds(), time.perf_counter()
    figures = epoch(None)
    wall, after = time.perf_counter() - started, _cpu_seconds()
    return {**figures, "wall_seconds": wall, "cpu_seconds": after - before}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    name, folder, records, warm_up, network = sys.argv[1:]
    print(json.dumps(run(name, Path(folder), int(records), int(warm_up) or None, network)), flush=True)
