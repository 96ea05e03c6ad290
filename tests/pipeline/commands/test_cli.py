from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import resources
from pathlib import Path

import pytest

import tfx_sequences
from tfx_sequences.pipeline.commands.cli import main

pytestmark = pytest.mark.tfx

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
COMMANDS = ["run", "demo", "predict", "check", "propose", "schema"]


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS), ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    words = [sys.executable, "-X", "importtime", "-m", "tfx_sequences", *arguments]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0
    modules = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "typer" in modules
    assert not modules & {"tensorflow", "keras", "tfx", "apache_beam", "numpy", "absl"}
    # typer itself uses pydantic for a command's parameters.
    assert "pydantic" not in modules or arguments[0] in COMMANDS


def test_help_names_the_commands_and_version_the_version(command):
    shown = command("--help").stdout
    assert all(name in shown for name in COMMANDS)
    assert command("--version").stdout == f"tfx-sequences {tfx_sequences.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", "japanese_vowels"], "--data"),
        (["predict", "m", "d", "--limit", "0"], "--limit"),
        (["run", "s", "--data", "d", "--output", "o", "--beam-arg", "runner=FnApiRunner"], "--beam-arg=--name=value"),
    ],
)
def test_wrong_usage_is_2(command, arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "japanese_vowel", "--data", BUNDLED, "--output", "out"], "Did you mean 'japanese_vowels'?"),
        (["run", "japanese_vowels", "--data", "missing", "--output", "out"], "The data folder does not exist"),
        (["run", "japanese_vowels", "--data", BUNDLED, "--output", "out", "--beam-runner", "flnk"], "'flink'?"),
        (["run", "japanese_vowels", "--data", BUNDLED, "--output", "a_file"], "a_file"),
        (["run", "japanese_vowels", "--data", BUNDLED, "--output", "a_file/below"], "a_file"),
        (["demo", "--output", "a_file"], "a_file"),
        (["check", "japanese_vowels", "--data", "missing"], "The data folder does not exist"),
        (["check", "missing.yaml", "--data", BUNDLED], "No such spec"),
        (["predict", "missing", BUNDLED], "There is no model"),
        (["predict", "missing", BUNDLED, "-o", "missing/out.jsonl"], "no folder"),
        (["schema", "-o", "missing/schema.json"], "no folder"),
    ],
)
def test_what_the_user_must_mend_is_2_and_nothing_is_written(command, tmp_path, arguments, message):
    (tmp_path / "a_file").write_text("")
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "report it" not in done.stderr
    assert os.listdir(tmp_path) == ["a_file"]


def test_wrong_backend_is_told_before_anything_else(command, tmp_path):
    arguments = ["run", "japanese_vowels", "--data", BUNDLED, "--output", "out"]
    done = command(*arguments, cwd=tmp_path, env={**os.environ, "KERAS_BACKEND": "jax"})
    assert done.returncode == 2
    assert "KERAS_BACKEND=jax" in done.stderr
    assert os.listdir(tmp_path) == []


def test_schema_goes_to_standard_output_or_a_file(command, tmp_path):
    printed = json.loads(command("schema").stdout)
    assert printed == json.loads(json.dumps(tfx_sequences.json_schema()))
    done = command("schema", "-o", tmp_path / "schema.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "schema.json").read_text()) == printed


def test_main_returns_the_exit_code(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"tfx-sequences {tfx_sequences.__version__}\n"
    assert main(["rnu"]) == 2


@pytest.mark.usefixtures("interrupts")
def test_interrupt_before_the_run_is_130(tmp_path):
    words = [sys.executable, "-m", "tfx_sequences", "run", "japanese_vowels", "--data", BUNDLED, "--output", "out"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("Checking the records")
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "Stopped.\n"
