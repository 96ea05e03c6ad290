"""The Trainer component: what it passes to `run_fn`."""

import json

import pytest
from tfx.types import standard_artifacts

from tests.components.stages.artifacts import artifact, standard_channel
from tests.everything import everything_spec
from tfx_sequences.components.stages.trainer import HELD_BACK, RAW_EXAMPLES, RUN_FN, Executor, SequenceTrainer
from tfx_sequences.schemas.spec.spec_io import spec_to_json

SPLITS = ("train", "valid", "test")


@pytest.fixture
def training(tmp_path):
    """The component, its inputs and its outputs."""
    inputs = {
        "examples": [artifact(standard_artifacts.Examples, tmp_path / "transformed", SPLITS)],
        "raw_examples": [artifact(standard_artifacts.Examples, tmp_path / "raw", SPLITS)],
        "transform_graph": [artifact(standard_artifacts.TransformGraph, tmp_path / "graph")],
        "schema": [artifact(standard_artifacts.Schema, tmp_path / "schema")],
    }
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.pbtxt").write_text("")
    channels = {name: standard_channel(values[0]) for name, values in inputs.items()}
    component = SequenceTrainer(
        transformed_examples=channels["examples"],
        raw_examples=channels["raw_examples"],
        transform_graph=channels["transform_graph"],
        schema=channels["schema"],
        spec=spec_to_json(everything_spec()),
        code_digest="d1",
        backups="backups",
        output_root="ram://training/root",
        training_steps=0,
        valid_is_held_back=True,
    )
    outputs = {
        "model": [artifact(standard_artifacts.Model, tmp_path / "model")],
        "model_run": [artifact(standard_artifacts.ModelRun, tmp_path / "run")],
    }
    return component, inputs, outputs


def fn_args(training, **set_anew):
    component, inputs, outputs = training
    return Executor(Executor.Context())._GetFnArgs(inputs, outputs, {**component.exec_properties, **set_anew})


def test_files_of_each_split_reach_the_trainer(training, tmp_path):
    found = fn_args(training)
    assert [str(pattern) for pattern in found.train_files] == [str(tmp_path / "transformed" / "Split-train" / "*")]
    assert [str(pattern) for pattern in found.eval_files] == [str(tmp_path / "transformed" / "Split-valid" / "*")]
    assert found.custom_config[RAW_EXAMPLES] == [str(tmp_path / "raw" / "Split-test" / "*")]


def test_spec_and_code_are_part_of_what_the_cache_compares(training):
    component, _, _ = training
    config = json.loads(component.exec_properties["custom_config"])
    assert config["code_digest"] == "d1" and config[HELD_BACK] is True
    assert config["spec"] == spec_to_json(everything_spec())
    assert component.exec_properties["run_fn"] == RUN_FN


def test_what_a_run_sets_anew_reaches_the_trainer(training):
    found = fn_args(training)
    assert found.train_steps is None
    assert found.custom_config["backups"] == "ram://training/root/backups"
    found = fn_args(training, training_steps=7, output_root="gs://other")
    assert found.train_steps == 7
    assert found.custom_config["backups"] == "gs://other/backups"
    assert fn_args(training, backups=None).custom_config["backups"] is None
