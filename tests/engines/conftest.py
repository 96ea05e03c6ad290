"""cmudict for the engines, and what the direct one makes of it.

TFX_SEQUENCES_ENGINE_RECORDS: training records to take; `all` takes the whole set.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
import tensorflow as tf

from tests.engines.beam_work import BeamWork, do_beam_work, evaluate_words, predict_words
from tests.engines.worker_environment import ROOT, worker_environment
from tests.everything import exported
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args
from tfx_sequences.schemas.spec.spec_io import load_spec

_SAMPLE = 4000
_TIMINGS = pytest.StashKey[dict[str, dict[str, float]]]()
_COLUMNS = ("SequenceExampleGen", "StatisticsGen", "Transform", "predictions", "Evaluator")


@pytest.fixture(scope="session")
def spec():
    return load_spec(ROOT / "examples" / "cmudict" / "spec.yaml")


@pytest.fixture(scope="session")
def cmudict(tmp_path_factory) -> Path:
    """Folder of the records: of the train split as many as asked for, of the test split a quarter of that."""
    root = os.environ.get("TFX_SEQUENCES_DATA")
    if not root or not (Path(root) / "cmudict").is_dir():
        pytest.skip("needs the data set cmudict: set TFX_SEQUENCES_DATA to the folder of data sets")
    wanted = os.environ.get("TFX_SEQUENCES_ENGINE_RECORDS", str(_SAMPLE))
    if wanted == "all":
        return Path(root) / "cmudict"
    folder = tmp_path_factory.mktemp("cmudict")
    for split, count in (("train", int(wanted)), ("test", int(wanted) // 4)):
        files = sorted(str(file) for file in (Path(root) / "cmudict").glob(f"{split}*"))
        records = list(itertools.islice(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator(), count))
        for shard in range(4):
            with tf.io.TFRecordWriter(str(folder / f"{split}-{shard}.tfrecord.gz"), "GZIP") as writer:
                for record in records[shard::4]:
                    writer.write(record)
    return folder


@pytest.fixture(scope="session")
def direct(spec, cmudict, timings, tmp_path_factory) -> BeamWork:
    """What the engine in this process makes."""
    work = do_beam_work(spec, cmudict, tmp_path_factory.mktemp("direct"), beam_pipeline_args([]))
    timings["direct"] = work.seconds
    return work


@pytest.fixture(scope="session")
def model(spec, direct, tmp_path_factory) -> Path:
    """The spec's model as a run pushes it, of random weights."""
    of = SimpleNamespace(spec=spec, transform_dir=str(direct.transform_graph))
    return exported(of, tmp_path_factory.mktemp("model") / "1")[1]


@pytest.fixture(scope="session")
def predictions(model, cmudict, timings, tmp_path_factory):
    """Those of the engine in this process."""
    rows, seconds = predict_words(model, cmudict, tmp_path_factory.mktemp("direct") / "parts", beam_pipeline_args([]))
    timings["direct"]["predictions"] = seconds
    return rows


@pytest.fixture(scope="session")
def figures(spec, direct, model, timings, tmp_path_factory):
    """What the Evaluator finds on the engine in this process."""
    folder = tmp_path_factory.mktemp("direct_evaluation")
    found, seconds = evaluate_words(spec, direct, model, folder, beam_pipeline_args([]))
    timings["direct"]["Evaluator"] = seconds
    return found


@pytest.fixture
def same_work(spec, cmudict, direct, timings, tmp_path) -> Callable[[str, Sequence[str]], None]:
    """Runs the pipeline's Beam work on an engine, in `tmp_path`; it must make what the direct one makes."""

    def compare(engine: str, beam_args: Sequence[str]) -> None:
        work = do_beam_work(spec, cmudict, tmp_path, beam_args)
        timings.setdefault(engine, {}).update(work.seconds)
        work.assert_same_as(direct)

    return compare


@pytest.fixture
def same_predictions(cmudict, model, predictions, timings, tmp_path) -> Callable[[str, Sequence[str]], None]:
    """Predicts on an engine; the predictions must be those of the direct one."""

    def compare(engine: str, beam_args: Sequence[str]) -> None:
        rows, seconds = predict_words(model, cmudict, tmp_path / "parts", beam_args)
        timings.setdefault(engine, {})["predictions"] = seconds
        assert rows == predictions
        assert rows.total() > 1000

    return compare


@pytest.fixture
def same_figures(spec, direct, model, figures, timings, tmp_path) -> Callable[[str, Sequence[str]], None]:
    """Evaluates on an engine; the figures must be those of the direct one, to the rounding of sums."""

    def compare(engine: str, beam_args: Sequence[str]) -> None:
        found, seconds = evaluate_words(spec, direct, model, tmp_path, beam_args)
        timings.setdefault(engine, {})["Evaluator"] = seconds
        assert found == pytest.approx(figures, rel=1e-6)
        assert found["all", "example_count"] > 200

    return compare


@pytest.fixture(scope="session")
def worker_path(uv, tmp_path_factory) -> Path:
    """Folder of the python that SDK workers run with."""
    return worker_environment(tmp_path_factory.mktemp("workers"), uv)


@pytest.fixture(scope="session")
def timings(request) -> dict[str, dict[str, float]]:
    """Wall seconds by engine and by what it did, printed at the end."""
    return request.config.stash.setdefault(_TIMINGS, {})


def pytest_terminal_summary(terminalreporter, config) -> None:
    found = config.stash.get(_TIMINGS, {})
    if found:
        terminalreporter.section("wall seconds of Beam's engines")
        terminalreporter.line(" ".join(["engine".ljust(10), *(name.rjust(18) for name in _COLUMNS)]))
    for engine, seconds in found.items():
        cells = (f"{seconds[name]:.1f}" if name in seconds else "-" for name in _COLUMNS)
        terminalreporter.line(" ".join([engine.ljust(10), *(cell.rjust(18) for cell in cells)]))
