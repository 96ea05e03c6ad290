"""The wheel in an environment of its own, with TensorFlow and Keras and without TFX and Beam."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def environment(uv, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # The versions are those of the lock; the wheel is built from the sources of this checkout.
    lock = folder / "requirements.txt"
    export = [uv, "export", "-q", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "-o", lock]
    for command in (
        [uv, "build", "-q", "--wheel", "--out-dir", folder, ROOT],
        [*export, "--project", ROOT],
        [uv, "venv", "-q", "--python", sys.executable, folder / "env"],
    ):
        subprocess.run(list(map(str, command)), check=True, cwd=folder)
    [wheel] = folder.glob("*.whl")
    install = [uv, "pip", "install", "-q", "--python", folder / "env" / "bin" / "python", "-r", lock, wheel]
    subprocess.run(list(map(str, install)), check=True, cwd=folder)
    return folder / "env" / "bin"


PROGRAM = """
import importlib.metadata, importlib.util, json, sys
import keras
import tensorflow as tf
import tfx_sequences as tfs
from tfx_sequences import SequenceFeatures

columns = [
    tfs.sequence_numeric_column("price"),
    tfs.indicator_column(tfs.sequence_categorical_column_with_vocabulary_list("word", ("a", "b"))),
]
lists = tf.train.FeatureLists()
for price, word in ((1.0, b"b"), (2.0, b"a")):
    lists.feature_list["price"].feature.add().float_list.value.append(price)
    lists.feature_list["word"].feature.add().bytes_list.value.append(word)
record = tf.train.SequenceExample(feature_lists=lists).SerializeToString()
_, sequence_spec = tfs.make_parse_sequence_example_spec(columns)
empty = tf.train.SequenceExample().SerializeToString()
_, features, _ = tf.io.parse_sequence_example([record, empty], None, sequence_spec)
steps, lengths = SequenceFeatures(columns)(features)
print(json.dumps({
    "missing": [m for m in ("tfx", "apache_beam", "tensorflow_transform") if importlib.util.find_spec(m)],
    "steps": steps.numpy().tolist(),
    "mask": steps._keras_mask.numpy().tolist(),
    "rnn": keras.layers.LSTM(2)(steps).shape.as_list(),
    "bundled": tfs.load_spec("japanese_vowels").name,
    "from": tfs.__file__,
    "versions": [importlib.metadata.version("tfx-sequences"), tfs.__version__],
}))
"""


@pytest.mark.slow
def test_the_layer_and_the_specs_need_neither_tfx_nor_beam(environment, tmp_path):
    run = subprocess.run([environment / "python", "-I", "-c", PROGRAM], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["missing"] == []
    assert len(set(told["versions"])) == 1
    assert str(environment.parent) in told["from"]
    assert told["steps"] == [[[1.0, 0.0, 1.0], [2.0, 1.0, 0.0]], [[0.0] * 3] * 2]
    assert told["mask"] == [[True, True], [False, False]]
    assert told["rnn"] == [2, 2]
    assert told["bundled"] == "japanese_vowels"


@pytest.mark.slow
def test_a_model_is_fitted_and_asked_without_tfx(environment, tmp_path):
    program, data = environment / "tfx-sequences", ROOT / "tfx_sequences" / "examples_data" / "japanese_vowels"
    fit = [program, "fit", "japanese_vowels", "--data", data, "--output", tmp_path / "out"]
    fitted = subprocess.run(fit, capture_output=True, text=True, cwd=tmp_path)
    assert fitted.returncode == 0, fitted.stdout + fitted.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["metrics"]["accuracy"] >= 0.97 and (tmp_path / "out" / "report.html").is_file()
    [records] = data.glob("test-*")
    predict = subprocess.run(
        [program, "predict", tmp_path / "out", records], capture_output=True, text=True, cwd=tmp_path
    )
    assert predict.returncode == 0 and predict.stdout.count("predicted_class") == 370, predict.stderr


@pytest.mark.slow
def test_the_command_line_checks_records_and_says_what_a_run_lacks(environment, tmp_path):
    program = environment / "tfx-sequences"
    data = ROOT / "tfx_sequences" / "examples_data" / "japanese_vowels"
    check = subprocess.run([program, "check", "japanese_vowels", "--data", data], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert "370" in check.stdout
    arguments = ["run", "japanese_vowels", "--data", data, "--output", tmp_path / "out"]
    run = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert run.returncode == 2
    assert "tfx-sequences[tfx]" in run.stderr
    assert not (tmp_path / "out").exists()
    submit = [program, "submit", "pipeline.json", "--project", "p", "--region", "europe-west4", "--dry-run"]
    submitted = subprocess.run(submit, capture_output=True, text=True)
    assert submitted.returncode == 2
    assert "tfx-sequences[vertex]" in submitted.stderr
    (tmp_path / "schema.pbtxt").write_text('feature { name: "label" type: BYTES }')
    for source in (data, tmp_path / "schema.pbtxt"):
        propose = subprocess.run([program, "propose", source], capture_output=True, text=True)
        assert propose.returncode == 2
        assert "tfx-sequences[tfx]" in propose.stderr
