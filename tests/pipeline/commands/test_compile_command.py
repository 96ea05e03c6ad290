"""`compile` and `submit` as a person types them."""

import json
import os
from importlib import resources
from pathlib import Path

import pytest

from tests.pipeline.cloud.golden_pipeline import GOLDEN
from tfx_sequences.pipeline.commands.cli import main

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
REMOTE = ["--data", "gs://bucket/records", "--output-root", "gs://bucket/vowels"]
COMPILE = ["compile", "japanese_vowels", "--runner", "vertex", "--image", "registry/sequences:1"]
SUBMIT = ["submit", str(GOLDEN), "--project", "my-project", "--region", "europe-west4"]


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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


def test_a_dry_run_prints_the_request(capfd):
    arguments = ["--label", "team=speech", "--output-root", "gs://other/root", "--no-cache", "--dry-run"]
    assert main([*SUBMIT, *arguments]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    request = json.loads(out)
    assert request["pipelineJobId"].startswith("japanese-vowels-20")
    assert request["pipelineJob"]["labels"]["team"] == "speech"
    assert request["pipelineJob"]["runtimeConfig"]["gcsOutputDirectory"] == "gs://other/root/artifacts"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "Team"], "is not a label"),
        (["--region", "europe-west44"], "Did you mean 'europe-west4'?"),
        (["--data", "here"], "a Cloud Storage URI"),
    ],
)
def test_what_cannot_be_submitted_is_told(arguments, said, capfd):
    assert main([*SUBMIT, "--dry-run", *arguments]) == 2
    assert said in capfd.readouterr().err


def test_without_credentials_nothing_is_sent(monkeypatch, tmp_path, capfd):
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert main(SUBMIT) == 2
    assert "gcloud auth application-default login" in capfd.readouterr().err
