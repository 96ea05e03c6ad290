import copy
import json

import pytest

from tests.pipeline.cloud.golden_pipeline import GOLDEN
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.cloud.compiled_spec import check_compiled, read_compiled

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")


@pytest.fixture
def job():
    return json.loads(GOLDEN.read_text("utf-8"))


def tasks(job):
    return job["pipelineSpec"]["root"]["dag"]["tasks"]


def unknown_field(job):
    tasks(job)["Transform"]["dependsOn"] = []


def unknown_field_of_a_container(job):
    job["pipelineSpec"]["deploymentSpec"]["executors"]["Transform_executor"]["container"]["machine"] = "big"


def older_schema(job):
    job["pipelineSpec"]["schemaVersion"] = "2.0.0"


def dangling_dependency(job):
    tasks(job)["Transform"]["dependentTasks"].append("AnomalyGat")


def missing_producer(job):
    del tasks(job)["SchemaGen"]


def missing_output(job):
    tasks(job)["Pusher"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]["outputArtifactKey"] = "modell"


def other_type(job):
    tasks(job)["Pusher"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]["outputArtifactKey"] = "model_run"


def missing_artifact(job):
    del tasks(job)["Transform"]["inputs"]["artifacts"]["schema"]


def missing_parameter(job):
    del tasks(job)["SchemaCurator"]["inputs"]["parameters"]["spec"]


def unknown_parameter(job):
    tasks(job)["SchemaCurator"]["inputs"]["parameters"]["specs"] = {"runtimeValue": {"constant": "x"}}


def unknown_parameter_of_the_pipeline(job):
    tasks(job)["SequenceExampleGen"]["inputs"]["parameters"]["input_base"] = {"componentInputParameter": "date"}


def parameter_of_another_type(job):
    tasks(job)["SequenceExampleGen"]["inputs"]["parameters"]["input_base"] = {
        "componentInputParameter": "training_steps"
    }


def placeholder_without_parameter(job):
    constant = {"constant": "{{$.inputs.parameters['root']}}/models"}
    tasks(job)["Pusher"]["inputs"]["parameters"]["folder"] = {"runtimeValue": constant}


def too_long_for_a_command_line(job):
    constant = {"constant": json.dumps({"classes": [f"class {n}" for n in range(10_000)]})}
    tasks(job)["SchemaCurator"]["inputs"]["parameters"]["spec"] = {"runtimeValue": constant}


def circle(job):
    tasks(job)["SchemaGen"]["dependentTasks"].append("Pusher")


def no_component(job):
    tasks(job)["Transform"]["componentRef"]["name"] = "Transformer"


def no_executor(job):
    job["pipelineSpec"]["components"]["Transform"]["executorLabel"] = "Transform_executr"


def no_image(job):
    del job["pipelineSpec"]["deploymentSpec"]["executors"]["Transform_executor"]["container"]["image"]


def unknown_value(job):
    job["runtimeConfig"]["parameterValues"]["dat"] = "gs://x"


def no_value(job):
    del job["runtimeConfig"]["parameterValues"]["data"]
    del job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]["data"]["defaultValue"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (unknown_field, 'no field named "dependsOn"'),
        (unknown_field_of_a_container, 'no field named "machine"'),
        (older_schema, "its schema is 2.0.0, not 2.1.0"),
        (dangling_dependency, "Transform: waits for 'AnomalyGat', which is not a task. Did you mean 'AnomalyGate'"),
        (missing_producer, "takes 'inferred_schema' from 'SchemaGen', which is not a task"),
        (missing_output, "'SequenceTrainer' has no output 'modell'. Did you mean 'model'"),
        (other_type, "the type of 'model' differs from that of output 'model_run'"),
        (missing_artifact, "does not get the artifact 'schema'"),
        (missing_parameter, "does not get the parameter 'spec'"),
        (unknown_parameter, "takes no parameter 'specs'. Did you mean 'spec'"),
        (unknown_parameter_of_the_pipeline, "from the pipeline's 'date', which it does not have"),
        (parameter_of_another_type, "differs from that of the pipeline's 'training_steps'"),
        (placeholder_without_parameter, "'folder' needs a parameter 'root'"),
        (too_long_for_a_command_line, "task SchemaCurator: its parameters take 1"),
        (circle, "wait for each other in a circle: AnomalyGate"),
        (no_component, "its component 'Transformer' does not exist. Did you mean 'Transform'"),
        (no_executor, "its executor 'Transform_executr' does not exist. Did you mean 'Transform_executor'"),
        (no_image, "component Transform: its container has no image"),
        (unknown_value, "a value for 'dat', which is not a parameter of the pipeline. Did you mean 'data'"),
        (no_value, "'data' has neither a value nor a default"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_damage_is_named(job, damage, message):
    whole = copy.deepcopy(job)
    damage(job)
    with pytest.raises(UserInputError) as caught:
        check_compiled(job, "pipeline.json")
    assert message in str(caught.value)
    check_compiled(whole, "pipeline.json")


def test_a_specification_alone_is_checked_as_well(job):
    check_compiled(job["pipelineSpec"], "pipeline.yaml")
    dangling_dependency(job)
    with pytest.raises(UserInputError, match="which is not a task"):
        check_compiled(job["pipelineSpec"], "pipeline.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("hello", "is not a compiled pipeline"),
        ("name: a spec\nsequence: {}", "is not a compiled pipeline"),
        ('{"pipelineSpec": []}', "is not a compiled pipeline"),
    ],
)
def test_what_is_no_pipeline_is_refused(text, message):
    with pytest.raises(UserInputError, match=message):
        read_compiled(text, "x.yaml")
