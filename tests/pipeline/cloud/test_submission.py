import json

import pytest
import yaml

from tests.pipeline.cloud.golden_pipeline import GOLDEN
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.cloud.submission import Submission, VertexJob

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")

ACCOUNT = "runner@my-project.iam.gserviceaccount.com"
SUBMISSION = {
    "project": "my-project",
    "region": "europe-west4",
    "service_account": ACCOUNT,
    "network": "projects/1/global/networks/n",
    "labels": {"team": "speech"},
    "data": "gs://other/records",
    "training_steps": 500,
    "caching": False,
    "job_id": "vowels-1",
}


def job(path=GOLDEN, **changes):
    return VertexJob(path, Submission(**{**SUBMISSION, **changes}), anonymous=True)


def test_the_request_has_all_that_was_asked_for():
    request = job().request()
    assert request["parent"] == "projects/my-project/locations/europe-west4"
    assert request["pipelineJobId"] == "vowels-1"
    sent = request["pipelineJob"]
    assert (sent["serviceAccount"], sent["network"]) == (ACCOUNT, "projects/1/global/networks/n")
    assert sent["labels"]["team"] == "speech"
    assert "tfx_version" in sent["labels"]
    assert sent["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/vowels/artifacts"
    assert sent["runtimeConfig"]["parameterValues"] == {
        "data": "gs://other/records",
        "output_root": "gs://bucket/vowels",
        "training_steps": 500,
    }
    options = [task["cachingOptions"] for task in sent["pipelineSpec"]["root"]["dag"]["tasks"].values()]
    assert options and all(not option.get("enableCache") for option in options)


def test_another_root_moves_artifacts_and_pushed_models():
    sent = job(output_root="gs://other/root/").request()["pipelineJob"]["runtimeConfig"]
    assert sent["gcsOutputDirectory"] == "gs://other/root/artifacts"
    assert sent["parameterValues"]["output_root"] == "gs://other/root/"


def test_a_specification_in_yaml_is_as_good(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump(json.loads(GOLDEN.read_text("utf-8"))["pipelineSpec"]))
    assert job(path).request()["pipelineJob"]["runtimeConfig"] == job().request()["pipelineJob"]["runtimeConfig"]


def test_what_is_sent_is_what_a_dry_run_shows(monkeypatch):
    from google.cloud.aiplatform.utils import gcs_utils
    from google.cloud.aiplatform_v1.services.pipeline_service import PipelineServiceClient

    requests = []

    # Nothing can be sent here; what the client is told to send is taken down at its last step.
    def create(self, *, parent, pipeline_job, pipeline_job_id, timeout):
        shown = type(pipeline_job).to_dict(pipeline_job)
        requests.append((parent, pipeline_job_id, shown))
        pipeline_job.name = f"{parent}/pipelineJobs/{pipeline_job_id}"
        return pipeline_job

    monkeypatch.setattr(PipelineServiceClient, "create_pipeline_job", create)
    bucket = "create_gcs_bucket_for_pipeline_artifacts_if_it_does_not_exist"
    monkeypatch.setattr(gcs_utils, bucket, lambda **_: None)
    dry, real = job().request(), job()
    name = real.submit()
    assert real.console_url.endswith("/locations/europe-west4/pipelines/runs/vowels-1?project=my-project")
    [(parent, identifier, sent)] = requests
    assert name == f"{dry['parent']}/pipelineJobs/vowels-1"
    assert (parent, identifier) == (dry["parent"], dry["pipelineJobId"])
    shown = dry["pipelineJob"]
    assert sent["service_account"] == shown["serviceAccount"]
    assert sent["network"] == shown["network"]
    assert sent["labels"] == shown["labels"]
    assert sent["pipeline_spec"] == shown["pipelineSpec"]
    assert sent["runtime_config"]["parameter_values"] == shown["runtimeConfig"]["parameterValues"]
    assert sent["runtime_config"]["gcs_output_directory"] == shown["runtimeConfig"]["gcsOutputDirectory"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"region": "europe-west44"}, "Vertex AI has no such region"),
        ({"data": "/home/me/records"}, "cannot access the pipeline's data"),
        ({"output_root": "s3://bucket/x"}, "cannot access the pipeline's output_root"),
        ({"job_id": "No Such Id"}, "Vertex AI's client rejected the job"),
    ],
)
def test_what_cannot_run_is_refused(changes, message):
    with pytest.raises(UserInputError, match=message):
        job(**changes)


def test_a_damaged_pipeline_is_refused_before_anything_is_sent(tmp_path):
    document = json.loads(GOLDEN.read_text("utf-8"))
    document["pipelineSpec"]["root"]["dag"]["tasks"]["Pusher"]["dependentTasks"].append("Pushed")
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UserInputError, match="Did you mean 'Pusher'"):
        job(path)
    with pytest.raises(UserInputError, match="cannot be read"):
        job(tmp_path / "none.json")
