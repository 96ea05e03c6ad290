"""Does a spec give the same bits in every run, on a busy machine too?

    python benchmarks/determinism.py --runs 20 --busy 4 --whole

Each run is `tfx-sequences run` in a process of its own, beside busy processes that compute without end. With `--whole`
each has a new output folder; without it only the first one transforms the records, and the others train on them again.
Prints the digests of each run (`run_digests.py`), and how many different ones there were. The exit code is 1 if any
digest differs.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from run_digests import STAGES, run_digests

from tfx_sequences.schemas.spec.spec_io import load_spec, spec_to_yaml

BUNDLED = "japanese_vowels"
# Another interval makes TFX train again, from the cached Transform, without a change of what is computed.
_SECONDS_BETWEEN_BACKUPS = 10_000


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keeps this number of processes busy while the block runs."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def spec_of_run(spec: str, number: int, *, deterministic: bool) -> dict[str, Any]:
    """The spec of a run, as plain data."""
    plain = yaml.safe_load(spec_to_yaml(load_spec(spec)))
    backup = {"every_seconds": _SECONDS_BETWEEN_BACKUPS + number}
    plain["training"] = {**(plain.get("training") or {}), "backup": backup}
    if deterministic:
        plain["training"]["deterministic"] = True
    # A model below its thresholds would end the command with 1.
    plain.pop("evaluation", None)
    return plain


def run(spec: dict[str, Any], data: Path, output: Path) -> dict[str, Any]:
    """The digests of a run, and its wall seconds."""
    output.mkdir(parents=True, exist_ok=True)
    file = output / "spec.yaml"
    file.write_text(yaml.safe_dump(spec), "utf-8")
    words = ["run", str(file), "--data", str(data), "--output", str(output), "--quiet"]
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "tfx_sequences", *words], check=True)
    return {"seconds": round(time.monotonic() - started, 1), **run_digests(output)}


def main(
    runs: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    busy_processes: Annotated[int, typer.Option("--busy", min=0, help="Processes that compute beside each run.")] = 4,
    whole: Annotated[bool, typer.Option("--whole", help="A new output folder for each run.")] = False,
    deterministic: Annotated[bool, typer.Option("--deterministic", help="With training.deterministic.")] = False,
    spec: Annotated[str, typer.Option(help="A spec file, or the name of a bundled one.")] = BUNDLED,
    data: Annotated[Path | None, typer.Option(help="Its records; by default those of the demo.")] = None,
    output: Annotated[Path | None, typer.Option(help="JSON file of all digests, written after each run.")] = None,
) -> None:
    """Runs, and prints the digests."""
    bundled = Path(str(resources.files("tfx_sequences"))) / "examples_data" / BUNDLED
    done: list[dict[str, Any]] = []
    print("run  seconds  " + "  ".join(f"{stage:<12}" for stage in STAGES), flush=True)
    with tempfile.TemporaryDirectory(prefix="tfx-sequences-") as scratch, busy(busy_processes):
        for number in range(runs):
            folder = Path(scratch) / (f"run{number}" if whole else "run")
            done.append(run(spec_of_run(spec, number, deterministic=deterministic), data or bundled, folder))
            shown = "  ".join(done[-1][stage] for stage in STAGES)
            print(f"{number + 1:>3}  {done[-1]['seconds']:>7}  {shown}", flush=True)
            if output:
                output.write_text(json.dumps(done, indent=1), "utf-8")
    different = {stage: len({of_run[stage] for of_run in done}) for stage in STAGES}
    counts = ", ".join(f"{count} digest{'s' * (count > 1)} of the {stage}" for stage, count in different.items())
    print(f"{runs} runs beside {busy_processes} busy processes: {counts}")
    if max(different.values()) > 1:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
