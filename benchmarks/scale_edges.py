"""What happens at the edges of scale: seconds and peak memory of `check` and `fit`, each in a process of its own.

    python benchmarks/scale_edges.py [NAME ...] [--fit] [--tenth]

`check` is measured for each edge, `fit` (an epoch, a small network) with `--fit`. `--tenth` uses a tenth of the sizes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

_TIMEOUT = 1800

Features = dict[str, Any]
Edge = tuple[dict[str, Any], dict[str, Iterator[bytes]]]


def record(context: Features, steps: dict[str, Any] | None = None) -> bytes:
    """A serialized SequenceExample; numbers of steps are an array `[T]`."""
    import tensorflow as tf

    message = tf.train.SequenceExample()
    for key, value in context.items():
        feature = message.context.feature[key]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        else:
            feature.float_list.value.append(value)
    for key, values in (steps or {}).items():
        add = message.feature_lists.feature_list[key].feature.add
        for value in values:
            if isinstance(value, str):
                add().bytes_list.value.append(value.encode())
            else:
                add().float_list.value.extend(np.atleast_1d(value).tolist())
    return message.SerializeToString()


def usual(number: int = 200, first: int = 0, **changed: Any) -> Iterator[bytes]:
    """Records of a few steps, each another one."""
    for index in range(number):
        yield record(
            {"y": "ab"[index % 2], "number": float(index), **changed}, {"x": np.arange(index % 7 + 1, dtype=np.float32)}
        )


def spec_of(**changed: Any) -> dict[str, Any]:
    """A small spec."""
    return {
        "name": "edge",
        "sequence": {"x": {"type": "numeric"}},
        "label": {"key": "y"},
        "model": {"units": [8]},
        "training": {"epochs": 1},
        **changed,
    }


def long_record(scale: int) -> Edge:
    """One record of a million steps among usual ones."""

    def records() -> Iterator[bytes]:
        yield from usual()
        yield record({"y": "a"}, {"x": np.ones(1_000_000 // scale, np.float32)})

    return spec_of(batching={"max_length": 1000}), {"train": records()}


def large_record(scale: int) -> Edge:
    """One record of 300 MB among usual ones: 1000 steps of 75 000 numbers each."""

    def records() -> Iterator[bytes]:
        width = 75_000 // scale
        for index in range(20):
            yield record({"y": "ab"[index % 2]}, {"x": np.ones((1000 if index == 7 else 1, width), np.float32)})

    return spec_of(sequence={"x": {"type": "numeric", "shape": [75_000 // scale]}}), {"train": records()}


def many_classes(scale: int) -> Edge:
    """100 000 classes, two records each."""
    number = 100_000 // scale
    records = (record({"y": f"class{i % number}"}, {"x": np.ones(2, np.float32)}) for i in range(2 * number))
    return spec_of(), {"train": records}


def many_terms(scale: int) -> Edge:
    """Two million terms in 20 000 records."""
    number = 20_000 // scale
    records = (record({"y": "ab"[i % 2]}, {"t": [f"term{i * 100 + j}" for j in range(100)]}) for i in range(number))
    return spec_of(sequence={"t": {"type": "categorical"}}), {"train": records}


def many_features(scale: int) -> Edge:
    """10 000 features of the record."""
    number = 10_000 // scale
    context = {f"c{i}": {"type": "numeric", "normalizer": "none"} for i in range(number)}
    values = {f"c{i}": float(i) for i in range(number)}
    return spec_of(context=context), {"train": usual(50, **values)}


def many_files(scale: int) -> Edge:
    """5000 files of four records."""
    return spec_of(), {f"train-{i:05}": usual(4, first=4 * i) for i in range(5000 // scale)}


def one_record(scale: int) -> Edge:
    """A single record."""
    return spec_of(), {"train": usual(1)}


def all_empty(scale: int) -> Edge:
    """Records without steps."""
    return spec_of(), {"train": (record({"y": "ab"[i % 2], "number": float(i)}, {"x": []}) for i in range(200))}


def constant_features(scale: int) -> Edge:
    """A feature with one value everywhere."""
    return spec_of(), {
        "train": (record({"y": "ab"[i % 2], "number": float(i)}, {"x": np.ones(3, np.float32)}) for i in range(200))
    }


def one_class(scale: int) -> Edge:
    """Records of one class."""
    return spec_of(), {"train": usual(200, y="a")}


EDGES: dict[str, Callable[[int], Edge]] = {
    edge.__name__: edge
    for edge in (
        *(long_record, large_record, many_classes, many_terms, many_features),
        *(many_files, one_record, all_empty, constant_features, one_class),
    )
}


def write_edge(name: str, folder: Path, scale: int) -> None:
    """Writes the spec and the records of an edge."""
    import tensorflow as tf

    spec, files = EDGES[name](scale)
    (folder / "data").mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    for file, records in files.items():
        with tf.io.TFRecordWriter(str(folder / "data" / f"{file}.tfrecord")) as writer:
            for serialized in records:
                writer.write(serialized)


def measure(command: str, folder: Path) -> dict[str, Any]:
    """The command's exit code, seconds, peak memory in MB and the first line of its error."""
    # A Python process that runs the command and then asks the system what it needed.
    program = (
        "import json, resource, sys, time\n"
        "from tfx_sequences.pipeline.commands.cli import main\n"
        "started = time.monotonic()\n"
        "code = main(sys.argv[2:])\n"
        "peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
        "open(sys.argv[1], 'w').write(json.dumps([code or 0, time.monotonic() - started, peak // 1024]))\n"
    )
    result = folder / f"{command}.json"
    arguments = [command, str(folder / "spec.json"), "--data", str(folder / "data")]
    if command == "fit":
        arguments += ["--output", str(folder / "out")]
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program, str(result), *arguments],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    said = next((line for line in (done.stdout + done.stderr).splitlines() if "rror" in line), "")
    if not result.exists():
        return {"code": done.returncode, "seconds": time.monotonic() - started, "megabytes": 0, "said": said}
    code, seconds, megabytes = json.loads(result.read_text())
    return {"code": code, "seconds": seconds, "megabytes": megabytes, "said": said if code else "works"}


def main() -> None:
    """Prints a line of a table for each edge as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=[*EDGES])
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--tenth", action="store_true")
    given = parser.parse_args()
    print("| edge | command | seconds | peak MB | outcome |\n| :--- | :--- | ---: | ---: | :--- |", flush=True)
    for name in given.names:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            write_edge(name, folder, 10 if given.tenth else 1)
            for command in ("check", "fit") if given.fit else ("check",):
                found = measure(command, folder)
                said = found["said"] if found["code"] == 0 else f"exit {found['code']}: {found['said'][:160]}"
                words = f"{found['seconds']:.0f} | {found['megabytes']} | {said}"
                print(f"| {name.replace('_', ' ')} | {command} | {words} |", flush=True)


if __name__ == "__main__":
    main()
