"""Records and models in other file systems: `ram://`, which TensorFlow alone knows, and `file://`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.records import write_records
from tfx_sequences.pipeline.commands.cli import main

SPLITS = ("train", "valid", "test")


def copied(source: Path, target: str) -> str:
    """A folder with all that is in it, copied to a URI."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        to = f"{target}/{file.relative_to(source).as_posix()}"
        tf.io.gfile.makedirs(to.rpartition("/")[0])
        with tf.io.gfile.GFile(to, "wb") as opened:
            opened.write(file.read_bytes())
    return target


@pytest.fixture(scope="module")
def here(everything, tmp_path_factory):
    """The records of `everything` by split, and its spec, on this machine."""
    folder = tmp_path_factory.mktemp("remote")
    for split, ending in zip(SPLITS, ("", ".gz", ""), strict=True):
        write_records(folder / "data" / f"{split}.tfrecord{ending}", everything.serialized)
    (folder / "spec.yaml").write_text(json.dumps(everything.spec.model_dump(mode="json", exclude_defaults=True)))
    return folder


@pytest.fixture(scope="module", params=["ram", "file"])
def uri(request, here, exported_everything):
    """The URI of a folder with the same data, and a model. Copied once: `ram://` appends to what is there."""
    if request.param == "ram":
        folder = "ram://test_remote_paths/it"
        copied(here, folder)
        copied(Path(str(exported_everything[1])), f"{folder}/models/7")
        return folder
    (here / "models").mkdir()
    (here / "models" / "7").symlink_to(exported_everything[1])
    return f"file://{here}"


def test_check_reads_what_it_reads_here(here, uri, capfd):
    spec = str(here / "spec.yaml")
    assert main(["check", spec, "--data", str(here / "data")]) == 0
    expected = capfd.readouterr().out
    assert main(["check", spec, "--data", f"{uri}/data"]) == 0
    assert capfd.readouterr().out == expected
    assert "The records match the spec." in expected


def test_predict_reads_model_and_records(here, uri, exported_everything, capfd):
    assert main(["predict", str(exported_everything[1]), str(here / "data" / "valid.tfrecord.gz")]) == 0
    expected = capfd.readouterr().out
    assert main(["predict", f"{uri}/models", f"{uri}/data/valid.tfrecord.gz"]) == 0
    assert capfd.readouterr().out == expected
    assert expected.count("\n") == 40


def test_messages_name_a_uri_as_it_was_given(here, capfd):
    spec = str(here / "spec.yaml")
    assert main(["check", spec, "--data", "ram://test_remote_paths/none"]) == 2
    assert "ram://test_remote_paths/none" in capfd.readouterr().err
    assert main(["predict", "ram://test_remote_paths/none", str(here / "data")]) == 2
    assert "no model of tfx-sequences in ram://test_remote_paths/none" in capfd.readouterr().err.replace("\n", " ")
    assert main(["run", spec, "--data", str(here / "data"), "--output", "gs://bucket/out"]) == 2
    assert "gs://bucket/out" in capfd.readouterr().err


def test_a_broken_record_in_another_file_system_is_named(here, capfd):
    data = copied(here / "data", "ram://test_remote_paths/broken")
    with tf.io.gfile.GFile(f"{data}/valid.tfrecord.gz", "wb") as file:
        file.write((here / "data" / "valid.tfrecord.gz").read_bytes()[:-9])
    assert main(["check", str(here / "spec.yaml"), "--data", data]) == 2
    assert "ram://test_remote_paths/broken/valid.tfrecord.gz is truncated" in capfd.readouterr().err


def test_a_run_needs_a_place_that_beam_reads_too(here, tmp_path, capfd):
    data = copied(here / "data", "ram://test_remote_paths/run")
    assert main(["run", str(here / "spec.yaml"), "--data", data, "--output", str(tmp_path / "out")]) == 2
    assert f"Beam cannot read the data folder, {data}." in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
