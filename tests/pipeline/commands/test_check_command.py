"""`tfx-sequences check`: the summary of the records."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.pipeline.commands.cli import main

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"


def test_check_shows_what_is_in_the_records(command):
    done = command("check", "japanese_vowels", "--data", BUNDLED)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.replace("│", " ").split() for line in done.stdout.splitlines()]
    assert ["train", "1", "270", "4274", "7", "15.8", "26", "0"] in rows
    assert ["test", "1", "370", "5687", "7", "15.4", "29", "0"] in rows


@pytest.fixture
def checked(tmp_path, capfd):
    """The exit code and both outputs for records, in this process."""

    def check(records, **parts):
        spec = {"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, **parts}
        (tmp_path / "spec.yaml").write_text(json.dumps(spec))
        for split in ("train", "valid", "test"):
            write_records(tmp_path / "data" / f"{split}.tfrecord", records)
        code = main(["check", str(tmp_path / "spec.yaml"), "--data", str(tmp_path / "data")])
        return code, *capfd.readouterr()

    return check


def test_classes_missing_values_and_choices_are_listed(checked, tmp_path):
    records = [
        sequence_example({"y": f"c{i % 14:02}", "extra": 1.0}, {"x": [float(i), None if i == 3 else 1.0]})
        for i in range(28)
    ]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.md").write_text("some words\n")
    code, out, error = checked(records)
    assert (code, error) == (0, "")
    first = ", ".join(f"c{i:02} (2)" for i in range(12))
    assert f"The 14 classes of 'y' in train: {first}, 2 more.\n" in out
    assert "Not used, because they are in the data but not in the spec: extra.\n" in out
    assert "Not record files, so skipped: train.md.\n" in out
    assert "Missing in valid: sequence.x: 1 of 56 steps.\n" in out
    assert "Normalizer chosen by auto: " in out
    assert out.endswith("The records match the spec.\n")


def test_a_certain_leak_is_an_error_at_the_end(checked):
    records = [sequence_example({"y": "ab"[i % 2], "copy": "ab"[i % 2]}, {"x": [float(i)]}) for i in range(40)]
    code, out, error = checked(records, context={"copy": {"type": "categorical"}})
    assert code == 2
    assert "context.copy" in error
    assert "The records match the spec." not in out
