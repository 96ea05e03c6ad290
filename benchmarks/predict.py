"""Predicts a million synthetic records through `predict`: counts them, and prints the peak of its memory.

    python benchmarks/predict.py MODEL [--records N] [--beam]

MODEL is one of japanese_vowels (12 numbers per step), such as the output folder of `make demo`. Each run is a process
of its own, whose peak of resident memory (ru_maxrss) is printed; half the records first, so that growth would show.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from google.protobuf.internal.encoder import _VarintBytes

from tfx_sequences.components.records.framing import framed

CHUNK = 1000


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _VarintBytes(len(payload)) + payload


def write_records(path: Path, records: int) -> None:
    """SequenceExamples of 7 to 29 steps of 12 numbers, written without protocol buffers, for these are slow."""
    random = np.random.default_rng(0)
    frames = []
    for _ in range(CHUNK):
        steps = random.normal(size=(random.integers(7, 30), 12)).astype("<f4")
        features = [_field(1, _field(2, _field(1, step.tobytes()))) for step in steps]
        frames.append(_field(2, _field(1, _field(1, b"lpc") + _field(2, b"".join(features)))))
    with path.open("wb") as file:
        for index in range(records):
            name = _field(1, _field(1, b"utterance_id") + _field(2, _field(1, _field(1, b"r%d" % index))))
            file.write(framed(_field(1, name) + frames[index % CHUNK]))


def run(model: str, data: Path, output: Path, *, beam: bool) -> tuple[float, float]:
    """Seconds, and the peak of resident memory in MiB, of one `tfx-sequences predict`."""
    words = [sys.executable, "-m", "tfx_sequences", "predict", model, str(data), "-o", str(output)]
    started = time.monotonic()
    process = subprocess.Popen([*words, "--beam"] if beam else words)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"predict ended with {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def count(path: Path, records: int) -> None:
    """Compares the lines with the records, in their order."""
    lines = 0
    with path.open() as file:
        for index, line in enumerate(file):
            name = json.loads(line[: line.index(",")] + "}")["id"]
            if name != f"r{index}":
                sys.exit(f"line {index} is of {name}")
            lines += 1
    if lines != records:
        sys.exit(f"{lines} predictions of {records} records")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model")
    arguments.add_argument("--records", type=int, default=1_000_000)
    arguments.add_argument("--beam", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for records in (given.records // 2, given.records):
            data, output = Path(folder, "records.tfrecord"), Path(folder, "predictions.jsonl")
            write_records(data, records)
            seconds, peak = run(given.model, data, output, beam=given.beam)
            count(output, records)
            print(
                f"{records} records ({data.stat().st_size >> 20} MiB) in {seconds:.0f} s, "
                f"{records / seconds:.0f} records/s, peak {peak:.0f} MiB, all there and in order",
                flush=True,
            )


if __name__ == "__main__":
    main()
