"""cmudict for the engines, and what the direct one makes of it.

TFX_SEQUENCES_ENGINE_RECORDS: training records to take; `all` takes the whole set.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import tensorflow as tf

from tests.engines.beam_work import do_beam_work
from tests.engines.worker_environment import ROOT, worker_environment
from tfx_sequences.pipeline.beam_engines import beam_pipeline_args
from tfx_sequences.schemas.spec_io import load_spec

_SAMPLE = 4000


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
def direct(spec, cmudict, tmp_path_factory):
    """What the engine in this process makes."""
    return do_beam_work(spec, cmudict, tmp_path_factory.mktemp("direct"), beam_pipeline_args([]))


@pytest.fixture(scope="session")
def worker_path(tmp_path_factory) -> Path:
    """Folder of the python that SDK workers run with."""
    return worker_environment(tmp_path_factory.mktemp("workers"))
