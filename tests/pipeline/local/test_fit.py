"""`tfx-sequences fit`: from records to a served model, in a process that cannot import TFX, TFT or Beam."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences as tfs
from tfx_sequences.components.serving.exported_model import SERVING_SIGNATURE
from tfx_sequences.components.serving.model_card import check_model, find_model, read_card
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.local.output_folder import OutputLayout
from tfx_sequences.schemas.spec.spec_io import spec_to_json

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tfx_sequences" / "examples_data" / "japanese_vowels"
PROGRAM = """
import sys
for name in ("tfx", "tfx_bsl", "tensorflow_transform", "tensorflow_model_analysis", "tensorflow_data_validation",
             "apache_beam", "ml_metadata", "kfp"):
    sys.modules[name] = None
from tfx_sequences.pipeline.commands.cli import main
sys.exit(main(sys.argv[1:]))
"""

pytestmark = pytest.mark.slow


def fit(output, *arguments):
    words = ["fit", "japanese_vowels", "--data", str(DATA), "--output", str(output), *arguments]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    output = tmp_path_factory.mktemp("fitted") / "out"
    done = fit(output)
    assert done.returncode == 0, done.stdout + done.stderr
    return OutputLayout(output), done.stdout


@pytest.fixture(scope="module")
def report(fitted):
    return json.loads(fitted[0].report_data.read_text("utf-8"))


def test_the_model_is_as_good_as_that_of_the_pipeline(report):
    assert report["blessed"] and report["metrics"]["accuracy"] >= 0.97
    assert report["counted"]["records"] == report["metrics"]["example_count"] == 370
    assert report["model_check"]["records"] == 256 and not report["model_check"]["failures"]
    assert report["naive"]["accuracy"][0]["value"] < 0.2


def test_the_accuracy_is_that_of_the_predictions(fitted, report):
    [records] = DATA.glob("test-*")
    rows = [*predict_files(fitted[0].root, records)]
    truth = []
    for record in tf.data.TFRecordDataset(str(records), "GZIP").as_numpy_iterator():
        features = tf.train.SequenceExample.FromString(record).context.feature
        truth.append(features["speaker"].bytes_list.value[0].decode())
    accuracy = np.mean([row["predicted_class"] == label for row, label in zip(rows, truth, strict=True)])
    assert report["metrics"]["accuracy"] == pytest.approx(accuracy, abs=1e-6)


def test_the_summary_and_the_page_say_so(fitted, report):
    layout, printed = fitted
    assert "Blessed and pushed." in printed and str(layout.report) in printed
    page = layout.report.read_text("utf-8")
    assert f"{report['metrics']['accuracy']:.4f}" in page and "tfma.html" not in page
    assert not layout.metadata.exists() and not layout.tfma_page.exists()


def test_the_model_is_loaded_like_one_of_a_run(fitted):
    folder = find_model(fitted[0].root)
    assert folder.parent == fitted[0].pushed_models
    check_model(read_card(folder), tfs.load_spec("japanese_vowels"))
    assert SERVING_SIGNATURE in tf.saved_model.load(str(folder)).signatures
    assert tfs.load_model(fitted[0].root).spec.name == "japanese_vowels"


def test_diff_compares_it_like_a_model_of_a_run(fitted, capfd):
    layout, _ = fitted
    assert main(["diff", str(layout.root), str(layout.root)]) == 0
    assert capfd.readouterr().out.splitlines() == ["No difference."]
    assert main(["diff", str(layout.root), "japanese_vowels"]) == 1
    assert "training: epochs was 100" in capfd.readouterr().out


@pytest.mark.tfx
def test_a_run_starts_from_its_weights(fitted, tmp_path):
    layout, _ = fitted
    plain = json.loads(spec_to_json(tfs.load_spec("japanese_vowels")))
    plain["training"] = {"epochs": 1, "warm_start": str(layout.root), "refit": False}
    (tmp_path / "spec.yaml").write_text(json.dumps(plain))
    assert main(["run", str(tmp_path / "spec.yaml"), "--data", str(DATA), "--output", str(tmp_path / "out"), "-q"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert report["training"]["warm_start"][0].startswith("6 weights copied from")
    # From random weights, one epoch gives less than half of this.
    assert report["metrics"]["accuracy"] > 0.95


def test_a_second_fit_starts_from_the_first_and_does_not_analyze_again(fitted, tmp_path):
    layout = fitted[0]
    spec = tfs.load_spec("japanese_vowels")
    training = spec.training.model_copy(update={"warm_start": str(layout.root), "epochs": 1, "refit": False})
    result = tfs.fit(spec.model_copy(update={"training": training}), DATA, layout.root)
    [transform] = [stage for stage in result.report["components"] if stage["name"] == "Transform"]
    assert transform["cached"]
    assert any("weights copied from" in line for line in result.report["training"]["warm_start"])
    # One epoch from random weights does not get so far.
    assert result.metrics["accuracy"] > 0.9


def test_a_model_below_its_thresholds_is_not_pushed(tmp_path):
    spec = tfs.load_spec("japanese_vowels")
    evaluation = spec.evaluation.model_copy(update={"thresholds": {"accuracy": {"min": 0.9999}}})
    training = spec.training.model_copy(update={"epochs": 1, "refit": False})
    strict = tfs.SequenceSpec.model_validate(
        {**spec.model_dump(), "evaluation": evaluation.model_dump(), "training": training.model_dump()}
    )
    result = tfs.fit(strict, DATA, tmp_path)
    assert not result.blessed and not (tmp_path / "pushed_model").exists()
    assert any("is below 0.9999" in line for line in result.report["missed"])
    assert tfs.load_model(result.model).spec.name == "japanese_vowels"
