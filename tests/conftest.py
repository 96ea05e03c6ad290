"""What all tests share: a quiet TensorFlow, repeatable property tests, the command line, data sets."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.without_tfx import ANALYZED, has_tfx, needs_tfx
from tfx_sequences.compat import quiet_environment

# Before anything imports TensorFlow, in this process and in those the tests start.
quiet_environment()

# The first traced call of anything in TensorFlow takes seconds, so time says nothing.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("repeatable")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Where TFX is not installed, files that import it are not collected."""
    return True if collection_path.suffix == ".py" and not has_tfx() and needs_tfx(collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where TFX is not installed, tests that run a pipeline, or whose fixtures run Transform, are deselected."""
    if has_tfx():
        return
    left_out = [i for i in items if i.get_closest_marker("tfx") or ANALYZED & set(getattr(i, "fixturenames", ()))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m tfx_sequences` with the given arguments in a process of its own."""

    def call(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "tfx_sequences", *map(str, arguments)]
        return subprocess.run(words, **{"capture_output": True, "text": True, **options})

    return call


@pytest.fixture
def interrupts() -> Iterator[None]:
    """SIGINT interrupts this process and those it starts, also where a shell's background jobs ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small_disk("1m")`: a file system of that size; skips the test where nothing can be mounted."""
    mounted = []

    def mount(size: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"needs the right to mount a file system: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], capture_output=True)


@pytest.fixture(scope="session")
def uv() -> str:
    """Path of uv, which makes environments; the test is skipped where it is not there."""
    found = shutil.which("uv") or str(Path(__file__).parents[1] / ".tools" / "bin" / "uv")
    if not Path(found).exists():
        pytest.skip("uv is not installed")
    return found


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """The folder of a data set that is not part of the repository; the test is skipped where it is not there."""

    def folder(name: str) -> Path:
        root = os.environ.get("TFX_SEQUENCES_DATA")
        if not root:
            pytest.skip(f"needs the data set {name}: set TFX_SEQUENCES_DATA to the folder of data sets")
        if not (Path(root) / name).is_dir():
            pytest.skip(f"TFX_SEQUENCES_DATA has no data set {name}")
        return Path(root) / name

    return folder


@pytest.fixture(scope="session")
def everything(tmp_path_factory):
    """One spec with every kind of column, records for it, and its transform graph."""
    from tests.everything import analyzed_everything

    return analyzed_everything(tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="session")
def rows_model(tmp_path_factory):
    """The folder of a model of random weights, whose spec has overlapping windows of rows."""
    from tests.everything import analyzed, exported
    from tests.rows import WINDOWS, frame_of, spec_of, users_of

    folder = tmp_path_factory.mktemp("rows")
    of = analyzed(spec_of(WINDOWS), list(users_of(frame_of(300, users=30))), folder)
    return exported(of, folder / "model")[1]


@pytest.fixture(scope="session")
def all_labels(tmp_path_factory):
    """One spec with every kind of label, records for it, and its transform graph."""
    from tests.labels import analyzed_labels

    return analyzed_labels(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="session")
def forecasts(tmp_path_factory):
    """One spec with two forecasts and known futures, records for it, and its transform graph."""
    from tests.forecasts import analyzed_forecasts

    return analyzed_forecasts(tmp_path_factory.mktemp("forecasts"))


@pytest.fixture(scope="session")
def exported_everything(everything, tmp_path_factory):
    """That spec's model as a run pushes it, not trained: the network in memory, and the folder of its version."""
    from tests.everything import exported

    return exported(everything, tmp_path_factory.mktemp("pushed_model") / "7")


@pytest.fixture(scope="session")
def labels_model(all_labels, tmp_path_factory):
    """The exported model of that spec, loaded; what the training split decided; and its folder."""
    from tests.labels import export_labels

    return export_labels(all_labels, str(tmp_path_factory.mktemp("labels_model")))


@pytest.fixture(scope="session")
def lists_model(tmp_path_factory):
    """An exported model whose records are ExampleListWithContext, loaded."""
    from tests.example_lists import exported_lists
    from tfx_sequences.components.serving.loaded_model import load_model

    return load_model(exported_lists(tmp_path_factory.mktemp("lists_model")))
