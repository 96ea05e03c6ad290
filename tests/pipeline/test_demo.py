"""The demo, as a person types it: real records to a served model, and again from the cache."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfx_sequences
from tests.pipeline.test_bad_input import Bad, assert_no_defect, assert_no_graph_talk, assert_told
from tests.records import example, sequence_example, write_records
from tests.reference_figures import expect, of_classes
from tfx_sequences.components.evaluation.result import read_figures
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.model_card import find_model
from tfx_sequences.components.serving.prediction import list_record_files, predict_files
from tfx_sequences.pipeline.rest.rest_server import RestServer

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
COMPONENTS = """
SequenceExampleGen StatisticsGen SchemaGen SchemaCurator ExampleValidator AnomalyGate
Transform SequenceTrainer Evaluator EvaluationCheck ModelCheck Pusher
""".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def report(demo):
    return json.loads((demo.output / "report.json").read_text())


def test_it_trains_a_good_model_of_the_official_split(demo, report):
    assert demo.returncode == 0, demo.screen
    assert report["metrics"]["example_count"] == 370
    assert report["metrics"]["accuracy"] >= 0.97
    assert report["blessed"]
    # What was held back for validation is one of the 270, never of the test split; in the end all 270 are trained on.
    assert report["training"]["refit"]["records"] == report["training"]["input"]["train"]["records"] == 270


def test_the_screen_has_the_progress_and_the_summary_and_nothing_else(demo):
    for name in COMPONENTS:
        assert re.search(rf"{name} +done", demo.screen), name
    for words in ("Blessed and pushed", "test accuracy", "padding ratio", "model", "report", "metadata", "data check"):
        assert words in demo.screen
    for noise in ("WARNING", "Traceback", "tensorflow/core", "absl", "Instructions for updating"):
        assert noise not in demo.screen
    assert len(demo.screen.splitlines()) < 60


def test_the_screen_has_the_naive_figures_beside_the_models(demo, report):
    naive = report["naive"]["accuracy"][0]
    line = f"test accuracy +{report['metrics']['accuracy']:.4f} \\(naive {naive['value']:.4f}: majority class\\)\n"
    assert re.search(line, demo.screen)
    # Nine speakers, of whom each has said about as much.
    assert 20 / 370 < naive["value"] < 90 / 370
    assert report["naive"]["loss"][0]["value"] == pytest.approx(np.log(9), abs=0.02)
    assert not [finding for finding in report["findings"] if finding["kind"] == "no_better_than_naive"]


def test_the_log_file_has_what_the_stack_printed(demo):
    [log] = (demo.output / "logs").iterdir()
    text = log.read_text()
    assert "Component SequenceTrainer is running." in text
    assert "Epoch 1/" in text
    assert "Model check's process ended with 0" in text


def test_the_second_run_takes_everything_from_the_cache(demo, demo_again):
    assert demo_again.returncode == 0, demo_again.screen
    for name in COMPONENTS:
        assert re.search(rf"{name} +cached", demo_again.screen), name
    assert "every component was cached (12 of 12)" in demo_again.screen
    assert len(list((demo.output / "pushed_model").iterdir())) == 1


def test_the_model_check_compared_real_records_in_a_fresh_process(report):
    check = report["model_check"]
    assert check["records"] == 256
    assert check["failures"] == []
    assert check["largest_difference"]["scores"] <= 1e-6


def test_the_report_page_is_whole_and_shows_the_figures(demo, report):
    page = (demo.output / "report.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert f"{report['metrics']['accuracy']:.4f}" in page
    assert "image/svg+xml;base64," in page
    assert not [f for f in demo.output.iterdir() if f.name.startswith(".report")]


def test_predictions_of_the_pushed_model_have_the_evaluators_accuracy(demo, report):
    records = demo_test_file()
    truth = {}
    for record in read_records(records):
        context = tf.train.SequenceExample.FromString(record).context.feature
        truth[context["utterance_id"].bytes_list.value[0].decode()] = context["speaker"].bytes_list.value[0].decode()
    rows = list(predict_files(demo.output, records))
    assert [row["id"] for row in rows] == list(truth)
    hits = np.mean([row["predicted_class"] == truth[row["id"]] for row in rows])
    np.testing.assert_allclose(hits, report["metrics"]["accuracy"], atol=1e-6)
    assert all(abs(sum(row["scores"].values()) - 1) < 1e-5 for row in rows)


def test_everything_that_answers_gives_the_same_answers(demo, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import equality

    lines = []
    found = equality.compare(demo.output, lines.append)
    # Identical batches give identical bits; others differ by the order of sums.
    assert found["predict"] == found["predict through Beam"] == found["trainer, its batch"] == 0, lines
    assert found["exported model in a process with TensorFlow alone"] == 0, lines
    assert {"Evaluator", "exported model, records one by one"} < set(found) and max(found.values()) <= 1e-6, lines


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_requests_on_the_page_on_serving_are_answered(demo):
    """Each `curl` of the page as it stands there, but for the port."""
    text = (Path(__file__).parents[2] / "docs" / "serving.md").read_text("utf-8")
    [served] = re.findall(r"^tfx-sequences serve (.*)$", text, re.M)
    name = re.search(r"--name (\w+)", served)[1]
    requests = re.findall(r"^curl .*(?:\n    .*)*", text, re.M)
    assert len(requests) == 3
    with RestServer(load_model(demo.output), name) as server:
        answers = [
            json.loads(subprocess.run(["bash", "-c", request], check=True, capture_output=True).stdout)
            for request in (r.replace("localhost:8501", "{}:{}".format(*server.address)) for r in requests)
        ]
    by_row, by_column, metadata = answers
    assert by_row["predictions"][0]["classes"] == by_column["outputs"]["classes"][0] == [str(n) for n in range(1, 10)]
    assert metadata["model_spec"]["name"] == name


def demo_test_file():
    from importlib import resources

    folder = resources.files("tfx_sequences") / "examples_data" / "japanese_vowels"
    return next(f for f in list_record_files(str(folder)) if f.name.startswith("test"))


def test_the_pushed_model_runs_where_only_tensorflow_is_installed(demo, tmp_path):
    """A new environment with TensorFlow alone, made by uv from the locked version."""
    import shutil
    from importlib import metadata
    from pathlib import Path

    uv = shutil.which("uv") or str(Path(__file__).parents[2] / ".tools" / "bin" / "uv")
    if not Path(uv).exists():
        pytest.skip("uv is not installed")
    environment = tmp_path / "only_tensorflow"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    wanted = [f"tensorflow=={metadata.version('tensorflow')}", f"keras=={metadata.version('keras')}"]
    subprocess.run([uv, "pip", "install", "-q", "--python", python, *wanted], check=True)
    program = """
import sys, importlib.util
import tensorflow as tf
assert not any(importlib.util.find_spec(m) for m in ("tfx", "apache_beam", "tensorflow_transform", "tfx_sequences"))
model = tf.saved_model.load(sys.argv[1])
records = list(tf.data.TFRecordDataset(sys.argv[2], compression_type="GZIP").as_numpy_iterator())
out = model.signatures["serving_default"](examples=tf.constant(records))
print(len(records), *(c.decode() for c in out["predicted_class"].numpy()))
"""
    arguments = [python, "-I", "-c", program, find_model(demo.output), demo_test_file()]
    run = subprocess.run(list(map(str, arguments)), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    count, *classes = run.stdout.split()
    assert count == "370"
    assert classes == [row["predicted_class"] for row in predict_files(demo.output, demo_test_file())]


def test_predict_writes_json_lines(demo, command, tmp_path):
    out = tmp_path / "predictions.jsonl"
    run = command("predict", demo.output, demo_test_file(), "-o", out, "--limit", "7")
    assert run.returncode == 0, run.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 7
    assert rows[0]["id"] == "test-0000"
    printed = command("predict", demo.output, demo_test_file(), "--limit", "7").stdout
    assert [json.loads(line) for line in printed.splitlines()] == rows
    best = command("predict", demo.output, demo_test_file(), "--limit", "7", "--top-k", "2").stdout
    for line, row in zip(best.splitlines(), rows, strict=True):
        ordered = sorted(row["scores"].items(), key=lambda of: -of[1])
        assert list(json.loads(line)["scores"].items()) == ordered[:2]


def test_the_evaluators_slices_are_read_whole(report, demo):
    evaluations = sorted((demo.output / "artifacts" / "Evaluator" / "evaluation").iterdir())
    assert read_figures(str(evaluations[0]), {"": [str(n) for n in range(9)]})["slices"]["all"] == report["metrics"]


# The demo's output and model, used for more.


@pytest.mark.slow
def test_missed_threshold_is_1_also_when_quiet(demo, report, command, tmp_path):
    assert report["metrics"]["accuracy"] < 1
    spec = tfx_sequences.spec_to_yaml(tfx_sequences.load_spec("japanese_vowels"))
    assert "0.95" in spec
    strict = spec.replace("0.95", "1.0") + "  baseline: {accuracy: {max_drop: 0.0}, loss: {max_rise: 0.0}}\n"
    strict += "  slices: [speaker]\n  length_slices: [12, 18]\n"
    (tmp_path / "strict.yaml").write_text(strict)
    arguments = ["run", tmp_path / "strict.yaml", "--data", BUNDLED, "--output", demo.output, "--quiet"]
    # In the same folder, so that all but the evaluation is cached; other tests read the demo's own outcome.
    shutil.copytree(demo.output, tmp_path / "demo")
    try:
        done = command(*arguments)
        strict_report = json.loads((demo.output / "report.json").read_text())
    finally:
        shutil.rmtree(demo.output)
        shutil.move(tmp_path / "demo", demo.output)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Not blessed and not pushed: accuracy 0.")
    # The last blessed model is this very one: it falls behind in nothing.
    assert "of the last blessed model" not in done.stderr
    assert strict_report["baseline"] == strict_report["metrics"] == report["metrics"]
    check_slices(strict_report, demo)


def check_slices(report, demo):
    """The figures that TFMA's own metrics give, of all records and of each slice, are those of the predictions."""
    messages = [tf.train.SequenceExample.FromString(r) for r in read_records(demo_test_file())]
    speakers = [m.context.feature["speaker"].bytes_list.value[0].decode() for m in messages]
    lengths = [len(m.feature_lists.feature_list["lpc"].feature) for m in messages]
    answers = list(predict_files(demo.output, demo_test_file()))
    members = {"all": lambda i: True, **{f"speaker={n}": lambda i, n=n: speakers[i] == str(n) for n in range(1, 10)}}
    for name, least, end in (("0-11", 0, 12), ("12-17", 12, 18), ("18 and more", 18, 99)):
        members[f"length={name}"] = lambda i, least=least, end=end: least <= lengths[i] < end
    slices = {"all": report["metrics"], **report["slices"]}
    assert slices.keys() == members.keys()
    for name, is_in in members.items():
        its = [i for i in range(len(answers)) if is_in(i)]
        assert slices[name]["example_count"] == len(its) > 20
        expected = of_classes([speakers[i] for i in its], [answers[i] for i in its])
        expect(slices[name], expected, ("accuracy", "loss", "auc"), where=name)


@pytest.mark.slow
def test_predict_says_where_it_wrote_and_leaves_standard_output_alone(demo, command, tmp_path):
    records = next(BUNDLED.glob("test*"))
    done = command("predict", demo.output, records, "-o", tmp_path / "all.jsonl")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"370 predictions written to {tmp_path}/all.jsonl.\n"
    assert len((tmp_path / "all.jsonl").read_text().splitlines()) == 370


def test_predict_with_the_model_of_a_real_run(demo, command, tmp_path):
    flat_records = [example({"utterance_id": f"u{i}", "lpc": [0.5] * 24}) for i in range(3)]
    file = write_records(tmp_path / "new.tfrecord", flat_records)
    done = command("predict", demo.output, file, "-o", tmp_path / "out.jsonl")
    assert done.returncode == 2
    what = f"{file} contains tf.Example records, not tf.SequenceExample."
    assert_told(done.stderr, Bad(what, "feature lists", "'lpc'", "tf.SequenceExample"))
    steps = [[0.5] * 12] * 3
    late = [sequence_example({"utterance_id": f"u{i}"}, {"lpc": steps}) for i in range(300)]
    late.append(sequence_example({"utterance_id": "odd"}, {"lpc": [[0.5] * 11]}))
    file = write_records(tmp_path / "new.tfrecord", late)
    done = command("predict", demo.output, file, "-o", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert_told(
        done.stderr,
        Bad(
            f"Record 300 ('odd') of {file} cannot be predicted.", None, "'lpc': each step must have 12 values", "check"
        ),
    )
    assert_no_defect(done.stderr)
    assert_no_graph_talk(done.stderr)
    assert os.listdir(tmp_path) == ["new.tfrecord"]
