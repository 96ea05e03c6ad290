"""Commands on a real file system that is too small: exit code 2, the place, and what was finished is kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.rows import SPEC, frame_of
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_to_yaml

DATA = Path(__file__).parents[3] / "tfx_sequences" / "examples_data" / "japanese_vowels"


def says_that_the_disk_is_full(done, folder):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("Error: The disk is full: ")
    assert f"{folder}" in done.stderr and "MB are free in" in done.stderr and "fix:" in done.stderr
    assert "Traceback" not in done.stderr and "bug" not in done.stderr


def test_a_file_that_does_not_fit_leaves_the_one_before(command, small_disk):
    disk = small_disk("16k")
    file = disk / "schema.json"
    file.write_text("before")
    says_that_the_disk_is_full(command("schema", "-o", file), disk)
    assert os.listdir(disk) == ["schema.json"] and file.read_text() == "before"


@pytest.mark.tfx
def test_records_that_do_not_fit_are_not_there(command, small_disk, tmp_path):
    disk = small_disk("32k")
    (tmp_path / "spec.yaml").write_text(SPEC + "rows: {group_by: [user], order_by: ts, min_steps: 2}\n")
    frame_of(4000, users=50).to_csv(tmp_path / "rows.csv", index=False)
    words = ["ingest", tmp_path / "spec.yaml", "--data", tmp_path / "rows.csv", "--output", disk / "records"]
    says_that_the_disk_is_full(command(*words), disk)
    assert os.listdir(disk) == []
    subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
    assert command(*words).returncode == 0
    assert os.listdir(disk) == ["records"]


@pytest.mark.slow
def test_fit_finds_what_it_finished_when_there_is_space(command, small_disk, tmp_path):
    spec = load_spec("japanese_vowels")
    training = spec.training.model_copy(update={"epochs": 2, "early_stopping_patience": None})
    evaluation = spec.evaluation.model_copy(update={"thresholds": {}})
    spec = spec.model_copy(update={"training": training, "evaluation": evaluation})
    (tmp_path / "spec.yaml").write_text(spec_to_yaml(spec))
    # Enough for the transformed records, and not for the model.
    disk = small_disk("2m")
    words = ["fit", tmp_path / "spec.yaml", "--data", DATA, "--output", disk / "out"]
    says_that_the_disk_is_full(command(*words), disk)
    assert not list(disk.glob("out/pushed_model/*"))
    subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
    done = command(*words)
    assert done.returncode == 0, done.stderr
    components = json.loads((disk / "out" / "report.json").read_text())["components"]
    assert [c["cached"] for c in components if c["name"] == "Transform"] == [True]
    answers = small_disk("8k")
    says_that_the_disk_is_full(command("predict", disk / "out", DATA, "-o", answers / "x.jsonl"), answers)
    assert os.listdir(answers) == []
