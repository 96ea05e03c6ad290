"""`tfx-sequences compile`: the file, and what is refused."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest

from tfx_sequences.pipeline.commands.cli import main

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
REMOTE = ["--data", "gs://bucket/records", "--output-root", "gs://bucket/vowels"]
COMPILE = ["compile", "japanese_vowels", "--runner", "vertex", "--image", "registry/sequences:1"]


def test_a_file_is_written_and_what_it_is_said(tmp_path, capfd):
    file = tmp_path / "pipeline.json"
    assert main([*COMPILE, *REMOTE, "--splits", "train, test", "-o", str(file), "--training-steps", "9"]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"Pipeline of 12 tasks written to {file}; splits with files: train, test.\n"
    values = json.loads(file.read_text())["runtimeConfig"]["parameterValues"]
    assert values == {"data": "gs://bucket/records", "output_root": "gs://bucket/vowels", "training_steps": 9}


def test_of_a_folder_here_the_files_are_looked_at(tmp_path, capfd):
    arguments = ["--data", os.path.relpath(BUNDLED), "--output-root", os.path.relpath(tmp_path)]
    assert main([*COMPILE, *arguments]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    document = json.loads(out)
    values = document["runtimeConfig"]["parameterValues"]
    assert (values["data"], values["output_root"]) == (str(BUNDLED), str(tmp_path))
    config = document["pipelineSpec"]["root"]["dag"]["tasks"]["SequenceExampleGen"]["inputs"]["parameters"]
    splits = json.loads(config["input_config"]["runtimeValue"]["constant"])["splits"]
    assert [split["name"] for split in splits] == ["train", "test"]


SPEC = """
name: visits
sequence: {page: {type: categorical, num_oov_buckets: 1}}
label: {key: bought}
rows: {group_by: [user], order_by: ts%s}
"""


@pytest.mark.parametrize(
    ("more", "data", "splits"),
    [
        ("", ["--data", "rows", "--output-root", "out"], "train, test"),
        ("", ["--data", "gs://bucket/rows", "--output-root", "gs://b/o", "--rows", "--splits", "train"], "train"),
        (", format: bigquery", ["--data", "p.d.visits", "--output-root", "gs://b/o"], "train"),
    ],
)
def test_a_pipeline_of_rows(more, data, splits, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("rows").mkdir()
    for name in ("a.csv", "test.csv"):
        Path("rows", name).write_text("user,ts,page,bought\nann,1,home,yes\n")
    Path("spec.yaml").write_text(SPEC % more)
    assert main(["compile", "spec.yaml", *COMPILE[2:], *data, "-o", "pipeline.json"]) == 0, capfd.readouterr().err
    assert capfd.readouterr().err.endswith(f"splits with files: {splits}.\n")
    tasks = json.loads(Path("pipeline.json").read_text())["pipelineSpec"]["root"]["dag"]["tasks"]
    assert "SequenceRowsGen" in tasks and "SequenceExampleGen" not in tasks


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*REMOTE, "--splits", "train", "--rows"], "The spec does not say how rows become records."),
        (REMOTE, "without --splits"),
        ([*REMOTE, "--splits", "train,tests"], "Did you mean 'test'?"),
        ([*REMOTE, "--splits", "test"], "The training split must have files."),
        ([*REMOTE, "--splits", "train", "-o", "pipeline.txt"], "a file name that ends in .json, .yaml, .yml"),
        ([*REMOTE, "--splits", "train", "-o", "none/pipeline.json"], "no folder"),
        ([*REMOTE, "--splits", "train", "--deployment", "none.yaml"], "Check --deployment."),
        (["--data", str(BUNDLED), "--output-root", "gs://b/o"], "which the containers cannot read"),
        (["--data", "no/such/folder", "--output-root", "out"], "The data folder does not exist"),
    ],
)
def test_what_cannot_be_compiled_is_told(arguments, said, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*COMPILE, *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert not list(tmp_path.iterdir())
