"""The image's environment, made as the Dockerfile makes it, and the compiled pipeline's containers in it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tensorflow as tf

from tests.pipeline.container_entrypoints import Containers
from tfx_sequences.components.records.files import read_records
from tfx_sequences.schemas.spec.evaluation_options import Change
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_to_yaml
from tfx_sequences.schemas.spec.tuning_options import Parameter, Tuning

ROOT = Path(__file__).parents[2]
DATA = Path("tfx_sequences") / "examples_data" / "japanese_vowels"
pytestmark = [pytest.mark.slow, pytest.mark.containers]


@pytest.fixture(scope="module")
def programs(uv, tmp_path_factory):
    """Folder of the programs of an environment into which the Dockerfile's own commands have installed."""
    folder = tmp_path_factory.mktemp("image")
    text = (ROOT / "Dockerfile").read_text("utf-8")
    source = folder / "src"
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.M):
        for name in line.split():
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            source.mkdir(exist_ok=True)
            copy(ROOT / name, source / name)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "env"], check=True)
    surroundings = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        "VIRTUAL_ENV": str(folder / "env"),
        "PATH": f"{Path(uv).parent}{os.pathsep}{os.environ['PATH']}",
        "EXTRAS": "",
    }
    commands = re.findall(r"^RUN (uv .+)$", text, re.M)
    assert len(commands) == 4
    for command in commands:
        subprocess.run(["sh", "-ec", command.replace("/tmp/", f"{folder}/")], check=True, cwd=source, env=surroundings)
    shutil.rmtree(source)
    return folder / "env" / "bin"


@pytest.fixture(scope="module")
def compiled(programs, tmp_path_factory):
    """The bundled spec with a search before training and a baseline, compiled there for Vertex AI."""
    folder = tmp_path_factory.mktemp("compiled")
    spec = load_spec("japanese_vowels")
    tuning = Tuning(parameters={"training.learning_rate": Parameter(choices=(0.001, 0.0011))}, max_trials=1, epochs=1)
    evaluation = spec.evaluation.model_copy(update={"baseline": {"loss": Change(max_rise=0.0)}})
    changed = spec.model_copy(update={"tuning": tuning, "evaluation": evaluation})
    (folder / "spec.yaml").write_text(spec_to_yaml(changed))
    arguments = ["compile", "spec.yaml", "--data", "gs://bucket/records", "--splits", "train,test"]
    arguments += ["--output-root", "gs://bucket/vowels", "--runner", "vertex", "--image", "registry/sequences:1"]
    done = subprocess.run(
        [programs / "tfx-sequences", *arguments, "-o", "pipeline.json"],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTHON")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "pipeline.json").read_text("utf-8"))


def kill_in_training(containers, backups):
    """Starts the trainer, waits for the backups of a few epochs, and kills it: a pod that was taken away."""
    process = containers.start("SequenceTrainer")
    seen = set()
    try:
        while len(seen) < 4:
            assert process.poll() is None, (containers.work / "SequenceTrainer.started.log").read_text()[-4000:]
            seen |= {path.stat().st_mtime_ns for path in backups.glob("**/training_backup.npz")}
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()


def test_every_container_runs_and_the_pushed_model_is_good(programs, compiled, tmp_path):
    root = tmp_path / "root"
    [installed] = (programs.parent / "lib").glob("python*/site-packages")
    # What a submission sets: here is neither a bucket nor a cloud.
    compiled["runtimeConfig"]["gcsOutputDirectory"] = str(root / "artifacts")
    parameters = {"data": str(installed / DATA), "output_root": str(root)}
    containers = Containers(compiled, programs, tmp_path, parameters)

    def before(task, containers):
        if task == "SequenceTrainer":
            kill_in_training(containers, root / "backups")

    ran = containers.run(before)
    assert {"Tuner", "SequenceTrainer", "Evaluator", "Pusher"} < set(ran) == set(containers.outputs)

    [run] = containers.outputs["SequenceTrainer"]["model_run"]
    training = json.loads(Path(run["uri"], "training.json").read_text())
    assert training["resumed_at"] and training["resumed_at"][0] > 1
    assert set(training["tuned"]) == {"training.learning_rate"}
    assert not list(root.glob("backups/*"))
    [pushed] = containers.outputs["Pusher"]["pushed_model"]
    assert pushed["metadata"]["pushed"] == 1
    assert Path(pushed["metadata"]["pushed_destination"]).parent == root / "pushed_model"

    [test_file] = (installed / DATA).glob("test*")
    predict = [programs / "tfx-sequences", "predict", pushed["metadata"]["pushed_destination"], test_file]
    done = subprocess.run(list(map(str, predict)), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    contexts = [tf.train.SequenceExample.FromString(r).context.feature for r in read_records(test_file)]
    speakers = {
        c["utterance_id"].bytes_list.value[0].decode(): c["speaker"].bytes_list.value[0].decode() for c in contexts
    }
    assert len(rows) == len(speakers) == 370
    assert sum(row["predicted_class"] == speakers[row["id"]] for row in rows) / len(rows) >= 0.97

    # No model was blessed before: the pipeline's first job compares with none, its second with that of the first.
    resolvers = [f"LastBlessedModel-model-{of}resolver" for of in ("blessing-", "")]
    assert set(resolvers) < set(ran)
    assert [containers.outputs[name] for name in resolvers] == [{"model_blessing": []}, {"model": []}]
    [first] = containers.outputs["Evaluator"]["blessing"]
    assert first["metadata"]["blessed"] == 1
    assert "baseline_model_id" not in first["metadata"]
    second_job = containers.next_job()
    for task in (*resolvers, "Evaluator"):
        second_job.run_task(task)
    [second] = second_job.outputs["Evaluator"]["blessing"]
    [model] = containers.outputs["SequenceTrainer"]["model"]
    assert second["metadata"]["blessed"] == 1
    assert second["metadata"]["baseline_model_id"] == model["name"]
    assert second["name"] != first["name"]
