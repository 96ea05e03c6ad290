"""`tfx-sequences submit`: the request, and what is refused before anything is sent."""

import json

import pytest

from tests.pipeline.cloud.golden_pipeline import GOLDEN
from tfx_sequences.pipeline.commands.cli import main

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")

SUBMIT = ["submit", str(GOLDEN), "--project", "my-project", "--region", "europe-west4"]


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
