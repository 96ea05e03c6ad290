import json
from importlib import metadata

import pytest
import yaml

from tests.pipeline.cloud.golden_pipeline import GOLDEN, compiled, normalised
from tfx_sequences.errors import UserInputError
from tfx_sequences.pipeline.cloud.compilation import compile_pipeline, to_text
from tfx_sequences.pipeline.cloud.compiled_spec import check_compiled
from tfx_sequences.schemas.spec.deployment import Deployment
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

pytest.importorskip("kfp.pipeline_spec", reason="needs the extra vertex")


def container(document, component):
    spec = document.get("pipelineSpec", document)
    return spec["deploymentSpec"]["executors"][f"{component}_executor"]["container"]


def resource_spec():
    from kfp.pipeline_spec import pipeline_spec_pb2

    return pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec


def test_two_compilations_are_the_same_file():
    first, second = (to_text(compiled(), as_yaml=False) for _ in range(2))
    assert first == second
    assert json.loads(first)["pipelineSpec"]["schemaVersion"] == "2.1.0"


@pytest.mark.skipif(metadata.version("tfx") != "1.16.0", reason="the golden file is that of TFX 1.16")
def test_the_pipeline_is_the_golden_one():
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert normalised(compiled()) == golden, "if that is meant: python -m tests.pipeline.cloud.golden_pipeline"
    check_compiled(golden, "The golden pipeline")


def test_kubeflow_gets_the_specification_alone_with_defaults_for_every_parameter():
    document = compiled(runner="kubeflow", training_steps=7)
    assert yaml.safe_load(to_text(document, as_yaml=True)) == document
    assert "pipelineSpec" not in document
    assert {n: p["defaultValue"] for n, p in document["root"]["inputDefinitions"]["parameters"].items()} == {
        "data": "gs://bucket/records",
        "output_root": "gs://bucket/vowels",
        "training_steps": 7,
    }
    resources = container(document, "SequenceTrainer")["resources"]
    assert (resources["cpuLimit"], resources["memoryLimit"]) == (8, 7.5)
    if "resource_cpu_limit" in resource_spec().DESCRIPTOR.fields_by_name:  # not in the one for Python 3.10
        assert (resources["resourceCpuLimit"], resources["resourceMemoryLimit"]) == ("8", "7.5G")


def test_the_deployment_reaches_every_container():
    document = compiled()
    trainer = container(document, "SequenceTrainer")
    assert trainer["image"] == "registry/cuda:1"
    assert trainer["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 7.5,
        "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "1"},
    }
    tasks = document["pipelineSpec"]["root"]["dag"]["tasks"]
    assert {n: t["retryPolicy"] for n, t in tasks.items() if "retryPolicy" in t} == {
        "SequenceTrainer": {"maxRetryCount": 3}
    }
    # TFX's compiler forgets the machine of a file-based ExampleGen.
    assert container(document, "SequenceExampleGen")["resources"] == {"cpuLimit": 2.0, "memoryLimit": 7.5}
    assert container(document, "Transform")["args"][-5:] == [
        "--runner=DataflowRunner",
        "--project=p",
        "--region=europe-west4",
        "--sdk_container_image=registry/sequences:1",
        "--temp_location=gs://bucket/vowels/beam_temp",
    ]
    assert container(document, "StatisticsGen")["args"][-1] == "--sdk_container_image=none"


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ({"Trainer": {"cpu": 1}}, "Did you mean 'SequenceTrainer'"),
        ({"Tuner": {"cpu": 1}}, "does not have"),
        ({"SequenceTrainer": {"beam_args": ["--runner=FlinkRunner"]}}, "which does not run Beam"),
        ({"SequenceTrainer": {"accelerator": {"type": "NVIDIA_TESLA_T44"}}}, "Did you mean 'NVIDIA_TESLA_T4'"),
        ({"Transform": {"beam_args": ["--runner=DataflowRunner", "--project=p"]}}, "Add --region to"),
        ({"Transform": {"beam_args": ["--runner=DataflwRunner"]}}, "Beam has no runner 'DataflwRunner'"),
    ],
)
def test_a_deployment_that_does_not_fit_is_refused(components, message):
    deployment = Deployment.model_validate_json(json.dumps({"components": components}))
    with pytest.raises(UserInputError, match=message):
        compiled(deployment=deployment)


def test_files_of_this_machine_are_refused_where_containers_run_elsewhere(tmp_path):
    from tfx_sequences.pipeline.cloud.compilation import compile_pipeline

    (tmp_path / "words.txt").write_text("a\nb\n")
    text = "name: s\nsequence: {w: {type: categorical, vocabulary_file: words.txt}}\nlabel: {key: y}\n"
    spec = spec_from_yaml(text, folder=tmp_path)
    options = {"image": "i", "runner": "vertex", "splits_with_files": ("train",)}
    with pytest.raises(UserInputError, match=r"w\.vocabulary_file is a file on this machine"):
        compile_pipeline(spec, data="gs://b/d", output_root="gs://b/o", **options)
    # With a root on this machine the containers are here too.
    compile_pipeline(spec, data=str(tmp_path), output_root=str(tmp_path), **options)


def test_kubeflow_has_no_resolvers():
    from tfx_sequences.pipeline.cloud.compilation import _check_resolvers

    spec = {
        "components": {"LastModel": {"executorLabel": "e"}},
        "deploymentSpec": {"executors": {"e": {"resolver": {}}}},
    }
    _check_resolvers(spec, "vertex")
    with pytest.raises(UserInputError, match=r"cannot run LastModel.*\n.*evaluation\.baseline"):
        _check_resolvers(spec, "kubeflow")


def test_a_spec_with_tuning_has_a_tuner():
    text = "name: S_1\nsequence: {x: {type: numeric}}\nlabel: {key: y}\n"
    tuned = spec_from_yaml(text + "tuning: {parameters: {training.learning_rate: {min: 0.001, max: 0.1}}}\n")
    from tfx_sequences.pipeline.cloud.compilation import compile_pipeline

    options = {"image": "i", "runner": "vertex", "splits_with_files": ("train",)}
    deployment = Deployment.model_validate({"components": {"Tuner": {"cpu": 4}}})
    document = compile_pipeline(tuned, data="gs://b/d", output_root="gs://b/o", deployment=deployment, **options)
    assert document["pipelineSpec"]["pipelineInfo"] == {"name": "s-1"}
    assert container(document, "Tuner")["resources"] == {"cpuLimit": 4.0}


ROWS = """
name: visits
sequence: {page: {type: categorical, num_oov_buckets: 1}}
label: {key: bought}
rows: {group_by: [user], order_by: ts%s}
"""


def test_a_pipeline_of_rows_begins_with_them():
    options = {"output_root": "gs://bucket/visits", "image": "registry/sequences:1", "runner": "vertex"}
    files = {**options, "data": "gs://bucket/rows", "splits_with_files": ("train",), "of_rows": True}
    document = compile_pipeline(spec_from_yaml(ROWS % ""), **files)
    check_compiled(document, "A pipeline of rows")
    tasks = document["pipelineSpec"]["root"]["dag"]["tasks"]
    assert "SequenceExampleGen" not in tasks
    parameters = tasks["SequenceRowsGen"]["inputs"]["parameters"]
    assert parameters["input_base"] == {"componentInputParameter": "data"}
    assert tasks["StatisticsGen"]["dependentTasks"] == ["SequenceRowsGen"]


@pytest.mark.parametrize("data", ["project.dataset.visits", "SELECT * FROM `project.dataset.visits`"])
def test_a_table_or_query_of_bigquery_is_in_the_pipeline(data):
    spec = spec_from_yaml(ROWS % ", format: bigquery")
    document = compile_pipeline(
        spec,
        data=data,
        output_root="gs://bucket/visits",
        image="registry/sequences:1",
        runner="vertex",
        splits_with_files=("train",),
        of_rows=True,
    )
    check_compiled(document, "A pipeline of rows")
    parameters = document["pipelineSpec"]["root"]["dag"]["tasks"]["SequenceRowsGen"]["inputs"]["parameters"]
    [split] = json.loads(parameters["input_config"]["runtimeValue"]["constant"])["splits"]
    assert split["pattern"] == data
