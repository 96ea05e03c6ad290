"""Pipeline runs that the tests of this folder share: each is made once."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from tests.everything import as_examples, everything_spec, plain_records
from tests.records import example, sequence_example, write_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class Run:
    """A command that has ended."""

    returncode: int
    screen: str
    output: Path


@pytest.fixture(scope="session")
def demo_output(tmp_path_factory):
    """The folder that both demo runs write."""
    return tmp_path_factory.mktemp("demo") / "output"


@pytest.fixture(scope="session")
def demo(demo_output):
    """`tfx-sequences demo` in a new folder."""
    return _demo(demo_output)


@pytest.fixture(scope="session")
def demo_again(demo, demo_output):
    """The same command once more, in the same folder."""
    return _demo(demo_output)


# What stands at the end of the process shows what it never imported.
_PROGRAM = """
import sys
from tfx_sequences.pipeline.commands.cli import main
code = main(sys.argv[1:])
unwanted = [m for m in ("tfx.v1", "google.cloud.aiplatform", "kfp") if m in sys.modules]
sys.exit(f"imported: {unwanted}" if unwanted else code)
"""


def _demo(output):
    arguments = [sys.executable, "-c", _PROGRAM, "demo", "--output", str(output)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return Run(done.returncode, done.stdout, output)


@pytest.fixture(scope="session")
def everything_data(tmp_path_factory):
    """Records with every kind of column, as SequenceExamples and as Examples, in one unsplit file each."""
    folder = tmp_path_factory.mktemp("everything_data")
    records = plain_records()
    write_records(folder / "sequence" / "train.tfrecord", [sequence_example(c, s) for c, s in records * 3])
    write_records(folder / "example" / "train.tfrecord.gz", map(example, as_examples(records * 3)))
    return folder


def small_spec(**changes):
    """Two columns, one epoch: for what is about runs and not about columns."""
    return SequenceSpec(
        **{
            "name": "small",
            "id_key": "id",
            "sequence": {"lpc": {"type": "numeric", "shape": (3,)}, "token": {"type": "categorical"}},
            "label": {"key": "kind"},
            "model": {"units": (4,), "cell": "gru", "bidirectional": False},
            "training": {"epochs": 1},
            **changes,
        }
    )


@pytest.fixture(scope="session")
def everything_run(everything_data, tmp_path_factory):
    """A run of the spec with every kind of column, in this process."""
    from tfx_sequences.pipeline.local.run import run_local

    output = tmp_path_factory.mktemp("everything_run") / "output"
    return run_local(everything_spec(), everything_data / "sequence", output)


@pytest.fixture(scope="session")
def run_small(everything_data, tmp_path_factory):
    """Runs `small_spec` with changes, in this process; one output folder for all that name none."""
    from tfx_sequences.pipeline.local.run import run_local

    outputs = tmp_path_factory.mktemp("small_runs")

    def run(kind="sequence", folder="output", bulk_inference_data=None, **changes):
        spec = small_spec(**changes)
        return run_local(spec, everything_data / kind, outputs / folder, bulk_inference_data=bulk_inference_data)

    return run


@pytest.fixture(scope="session")
def small_run(run_small):
    """The first of those runs."""
    return run_small()


def pytest_collection_modifyitems(items):
    # The run with every kind of column takes minutes. The demo does not, and `make test` has it.
    for item in items:
        if "everything_run" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
