"""Components on the outputs of a run: those that need what the components before them made of real files."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tests.components.stages.artifacts import artifact, standard_channel
from tests.everything import everything_spec
from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.exported_check import REPORT
from tfx_sequences.components.serving.model_card import write_card
from tfx_sequences.components.serving.model_files import FILES, digests_of_files
from tfx_sequences.components.stages.evaluation_check import EvaluationCheck
from tfx_sequences.components.stages.model_check import ModelCheck
from tfx_sequences.components.stages.schema_curation import SchemaCurator
from tfx_sequences.components.stages.trainer import Executor as TrainerExecutor
from tfx_sequences.components.stages.trainer import SequenceTrainer
from tfx_sequences.components.training.run import run_fn
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.pipeline.local.report import collect
from tfx_sequences.schemas.features.bucket_plan import BucketPlan
from tfx_sequences.schemas.spec.spec_io import spec_to_json

# SchemaCurator


def curate(inferred, spec, tmp_path):
    made = artifact(standard_artifacts.Schema, tmp_path / "curated")
    SchemaCurator.test_call(inferred_schema=inferred, schema=made, spec=spec_to_json(spec), code_digest="")
    return io_utils.SchemaReader().read(str(tmp_path / "curated" / "schema.pbtxt"))


def test_the_curator_writes_a_schema_with_all_tensor_representations(everything_run, tmp_path):
    inferred = artifact(standard_artifacts.Schema, everything_run.outputs["SchemaGen"]["schema"])
    schema = curate(inferred, everything_run.spec, tmp_path)
    representations = schema.tensor_representation_group[""].tensor_representation
    assert {"sequence.lpc", "sequence.token", "age", "kind", "weight", "id"} <= set(representations)


def test_the_curator_refuses_a_feature_the_data_lacks(everything_run, tmp_path):
    inferred = artifact(standard_artifacts.Schema, everything_run.outputs["SchemaGen"]["schema"])
    spec = everything_spec(sequence={"tokens": {"type": "categorical"}})
    with pytest.raises(DataError, match=r"no sequence feature 'tokens'[\s\S]*Did you mean 'token'"):
        curate(inferred, spec, tmp_path)


# SequenceTrainer


class _InMemory(TensorflowFilesystem):
    """Files that only TensorFlow reaches, as those of Cloud Storage."""

    SUPPORTED_SCHEMES = ["ram://"]


@pytest.fixture(scope="module")
def training(everything_run):
    """A trainer whose inputs are not on this machine's disk: the component, and its inputs."""
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(_InMemory, priority=0)
    outputs = everything_run.outputs
    splits = ("train", "valid", "test")

    def remote(kind, component, output, *splits):
        uri = f"ram://training/{component}/{output}"
        io_utils.copy_dir(outputs[component][output], uri)
        return [artifact(kind, uri, *splits)]

    inputs = {
        "examples": remote(standard_artifacts.Examples, "Transform", "transformed_examples", splits),
        "raw_examples": remote(standard_artifacts.Examples, "SequenceExampleGen", "examples", splits),
        "transform_graph": remote(standard_artifacts.TransformGraph, "Transform", "transform_graph"),
        "schema": remote(standard_artifacts.Schema, "AnomalyGate", "validated_schema"),
    }
    channels = {name: standard_channel(values[0]) for name, values in inputs.items()}
    component = SequenceTrainer(
        transformed_examples=channels["examples"],
        raw_examples=channels["raw_examples"],
        transform_graph=channels["transform_graph"],
        schema=channels["schema"],
        spec=spec_to_json(everything_spec(training={"epochs": 1, "warm_start": str(everything_run.layout.root)})),
        code_digest="",
        backups="backups",
        output_root="ram://training/root",
        training_steps=0,
    )
    return component, inputs


@pytest.fixture(scope="module")
def trained(training, tmp_path_factory):
    component, inputs = training
    folder = tmp_path_factory.mktemp("trained")
    made = {
        "model": artifact(standard_artifacts.Model, "ram://training/exported/model"),
        "model_run": artifact(standard_artifacts.ModelRun, "ram://training/reported/run"),
    }
    executor = TrainerExecutor(TrainerExecutor.Context(unique_id="1", tmp_dir="ram://training/tmp"))
    executor.Do(inputs, {k: [v] for k, v in made.items()}, component.exec_properties)
    for name, value in made.items():
        fetch(value.uri, folder / name)
        value.uri = str(folder / name)
    return made


def fetch(uri, folder):
    """Copies a folder here."""
    # In memory, `assets` also lists what belongs to `assets.extra`, under names that do not exist.
    for place, _, files in tf.io.gfile.walk(uri):
        for path in (f"{place}/{file}" for file in files):
            if tf.io.gfile.exists(path):
                copy = folder / path.removeprefix(f"{uri}/")
                copy.parent.mkdir(parents=True, exist_ok=True)
                tf.io.gfile.copy(path, str(copy))


def test_a_training_that_has_ended_leaves_no_backup(trained):
    assert not tf.io.gfile.glob("ram://training/root/backups/*")


def test_the_trainer_exports_a_model_and_reports(trained, everything_run):
    report = json.loads(Path(trained["model_run"].uri, "training.json").read_text())
    assert report["epochs"] == 1
    plan, read = report["bucket_plan"], report["input"]["train"]
    files = tf.io.gfile.glob(everything_run.outputs["SequenceExampleGen"]["examples"] + "/Split-train/*")
    assert plan["records"] == read["records"] == sum(1 for _ in tf.data.TFRecordDataset(files, "GZIP"))
    assert plan["steps_per_epoch"] == read["batches"]
    assert plan["real_steps"] == read["real_steps"]
    assert 0 <= read["padding_share"] < 0.5
    written = Path(trained["model_run"].uri, "bucket_plan.json").read_text()
    assert BucketPlan.model_validate_json(written).padding_share == plan["padding_share"]
    # The same spec: nothing of the earlier model is left behind.
    assert report["warm_start"][0].endswith(f"weights copied from {everything_run.pushed_model}")
    assert all(" 0 new, 0 dropped" in line for line in report["warm_start"][1:])
    assert any(line.startswith("tables/brand: ") for line in report["warm_start"])
    served = tf.saved_model.load(str(Path(trained["model"].uri, "Format-Serving")))
    # A tf.Example cannot hold all of these features, so there is no `serving_example`.
    others = {"serving_tensors", "transform_features", "evaluation_inputs", "evaluation_outputs"}
    assert set(served.signatures) == {"serving_default", *others}


def test_materialised_records_equal_those_transformed_in_the_graph(everything_run):
    """No skew: what training read is what the serving graph computes, record by record."""
    import tensorflow_transform as tft
    from tensorflow_transform.saved import saved_transform_io_v2

    from tfx_sequences.schemas.features.parse_specs import parse_records

    output = tft.TFTransformOutput(everything_run.outputs["Transform"]["transform_graph"])
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)

    def read(artifact_uri, compression="GZIP"):
        files = tf.io.gfile.glob(f"{artifact_uri}/Split-train/*")
        return tf.constant([r.numpy() for r in tf.data.TFRecordDataset(files, compression)])

    raw = parse_records(read(everything_run.outputs["SequenceExampleGen"]["examples"]), everything_run.spec)
    computed = loader.apply_transform_model(raw)
    stored = tf.io.parse_example(
        read(everything_run.outputs["Transform"]["transformed_examples"]), output.transformed_feature_spec()
    )
    order = [np.argsort(values["id"].numpy(), kind="stable") for values in (computed, stored)]
    for name in everything_run.spec.columns:
        ours, theirs = (tf.gather(v[name], o) for v, o in zip((computed, stored), order, strict=True))
        if isinstance(ours, tf.RaggedTensor):
            np.testing.assert_array_equal(ours.row_splits, theirs.row_splits)
            ours, theirs = ours.to_tensor(), theirs.to_tensor()
        # Vectorised log1p differs in the last bit with a value's place in the batch.
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=name)


# ModelCheck


def check(model, model_run, folder, **options):
    blessing = artifact(standard_artifacts.InfraBlessing, folder / "blessing")
    options = {"spec": spec_to_json(everything_spec()), **options}
    ModelCheck.test_call(model=model, model_run=model_run, blessing=blessing, code_digest="", **options)
    report = json.loads((folder / "blessing" / REPORT).read_text())
    return blessing.get_int_custom_property("blessed"), report


def test_the_model_check_blesses_an_export_that_answers_alone(trained, tmp_path):
    blessed, report = check(trained["model"], trained["model_run"], tmp_path)
    assert (blessed, report["failures"]) == (1, [])
    assert report["largest_difference"]["scores"] <= 1e-6
    assert (tmp_path / "blessing" / "INFRA_BLESSED").exists()


def test_the_model_check_refuses_a_model_that_answers_otherwise(trained, tmp_path):
    stored = dict(np.load(Path(trained["model_run"].uri, predictions_file.FILE_NAME)))
    stored["output.scores"] = stored["output.scores"] + 0.01
    (tmp_path / "run").mkdir()
    np.savez(tmp_path / "run" / predictions_file.FILE_NAME, **stored)
    blessed, report = check(trained["model"], artifact(standard_artifacts.ModelRun, tmp_path / "run"), tmp_path)
    assert blessed == 0
    assert "output 'scores' differs" in report["failures"][0]
    assert (tmp_path / "blessing" / "INFRA_NOT_BLESSED").exists()


def test_the_model_check_refuses_a_model_that_does_not_load(trained, tmp_path):
    shutil.copytree(trained["model"].uri, tmp_path / "model")
    folder = tmp_path / "model" / "Format-Serving"
    next(folder.glob("variables/*.data-*")).write_bytes(b"not weights")
    blessed, report = check(artifact(standard_artifacts.Model, tmp_path / "model"), trained["model_run"], tmp_path)
    assert blessed == 0
    assert "is damaged: files that have changed: 'variables/" in report["failures"][0]
    # As if it had been exported so: only the process that loads it finds out.
    write_card(
        {**json.loads((folder / "tfx_sequences.json").read_text()), FILES: digests_of_files(folder)}, str(folder)
    )
    blessed, report = check(artifact(standard_artifacts.Model, tmp_path / "model"), trained["model_run"], tmp_path)
    assert blessed == 0
    assert "does not run on its own" in report["failures"][0]


def changed_spec():
    """Where `speed` has one boundary less."""
    spec = everything_spec()
    speed = spec.sequence["speed"].model_copy(update={"boundaries": (30.0,)})
    return spec.model_copy(update={"sequence": {**spec.sequence, "speed": speed}})


_CHANGE = r"sequence\.speed: boundaries was \[30\.0, 50\.0\], is \[30\.0\]"


def test_the_model_check_refuses_a_model_of_another_spec(trained, tmp_path):
    blessed, report = check(trained["model"], trained["model_run"], tmp_path, spec=spec_to_json(changed_spec()))
    assert blessed == 0
    assert re.search(_CHANGE, report["failures"][0])
    assert (tmp_path / "blessing" / "INFRA_NOT_BLESSED").exists()


def test_the_trainer_refuses_a_transform_graph_of_another_spec(training):
    component, inputs = training
    made = {
        "model": [artifact(standard_artifacts.Model, "ram://refused/model")],
        "model_run": [artifact(standard_artifacts.ModelRun, "ram://refused/run")],
    }
    executor = TrainerExecutor(TrainerExecutor.Context(unique_id="2", tmp_dir="ram://refused/tmp"))
    fn_args = executor._GetFnArgs(inputs, made, component.exec_properties)
    fn_args.custom_config["spec"] = spec_to_json(changed_spec())
    with pytest.raises(SpecError, match=rf"transform graph was made with another spec[\s\S]*{_CHANGE}"):
        run_fn(fn_args)
    assert not tf.io.gfile.glob("ram://refused/model/*")


def test_the_evaluation_check_counts_nothing_of_a_model_of_another_spec(everything_run, tmp_path):
    outputs = everything_run.outputs
    inputs = {
        "evaluation": artifact(standard_artifacts.ModelEvaluation, outputs["Evaluator"]["evaluation"]),
        "model": artifact(standard_artifacts.Model, outputs["SequenceTrainer"]["model"]),
        "transformed_examples": artifact(
            standard_artifacts.Examples, outputs["Transform"]["transformed_examples"], ("train", "valid", "test")
        ),
        "transform_graph": artifact(standard_artifacts.TransformGraph, outputs["Transform"]["transform_graph"]),
        "figures": artifact(standard_artifacts.ModelEvaluation, tmp_path / "figures"),
    }
    with pytest.raises(SpecError, match=rf"evaluated model was trained with another spec[\s\S]*{_CHANGE}"):
        EvaluationCheck.test_call(**inputs, spec=spec_to_json(changed_spec()), code_digest="")
    assert not (tmp_path / "figures" / "figures.json").exists()
    EvaluationCheck.test_call(**inputs, spec=spec_to_json(everything_spec(training={"epochs": 9})), code_digest="")
    assert json.loads((tmp_path / "figures" / "figures.json").read_text())["records"] > 0
    naive = json.loads((tmp_path / "figures" / "naive.json").read_text())
    assert naive["left_out"] == [] and {"accuracy", "loss"} <= naive["figures"].keys()


# The run of all components


def test_every_kind_of_column_reaches_a_pushed_model(everything_run):
    assert everything_run.blessed
    report = collect(everything_run)
    assert report["model_check"]["largest_difference"]["scores"] <= 1e-6
    # 120 records, of which about a tenth is held back twice; weights make it a sum of weights.
    assert 1 <= report["metrics"]["example_count"] <= 40
    assert report["data"]["train"]["zero_length"] == 18


def test_held_back_splits_are_disjoint_and_complete(everything_run):
    folder = everything_run.outputs["SequenceExampleGen"]["examples"]
    splits = {}
    for split in ("train", "valid", "test"):
        files = tf.io.gfile.glob(f"{folder}/Split-{split}/*")
        splits[split] = [r.numpy() for r in tf.data.TFRecordDataset(files, "GZIP")]
    assert sum(map(len, splits.values())) == 120
    assert all(splits.values())
    # Equal records fall into the same split.
    sets = [set(records) for records in splits.values()]
    assert len(set.union(*sets)) == sum(map(len, sets)) == 40


def test_the_card_of_the_model_holds_the_spec(everything_run):
    card = json.loads((everything_run.pushed_model / "tfx_sequences.json").read_text())
    assert card["classes"] == {"label": ["good", "bad"]}
    assert card["spec"]["name"] == "everything"
    assert len(card["fingerprint"]) == 64
