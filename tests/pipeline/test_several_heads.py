"""A run with every kind of label: evaluated, checked, pushed, and predicted with."""

import json

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn.metrics import confusion_matrix

from tests.labels import labels_spec, plain_records
from tests.records import sequence_example, write_records
from tests.reference_figures import expect, of_classes, of_labels, of_numbers
from tests.reference_spans import span_f1
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml


@pytest.mark.slow
def test_a_run_measures_each_head_exactly(command, tmp_path):
    thresholds = {"kind.accuracy": {"min": 0.0}, "tag.span_f1": {"min": 2.0}}
    evaluation = {"thresholds": thresholds, "slices": ("kind",), "length_slices": (2, 5), "step_slices": (1, 4)}
    spec = labels_spec(evaluation=evaluation)
    (tmp_path / "spec.yaml").write_text(spec_to_yaml(spec))
    records = plain_records()
    for split in ("train", "valid", "test"):
        write_records(tmp_path / "data" / f"{split}.tfrecord", [sequence_example(c, s) for c, s in records])
    done = command("run", tmp_path / "spec.yaml", "--data", tmp_path / "data", "--output", tmp_path / "out")
    # No span F1 is above 1: the run tells so, and pushes nothing.
    assert "tag.span_f1" in done.stdout and "is below 2" in done.stdout, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not report["blessed"] and report["model_check"]["failures"] == []
    metrics = report["metrics"]
    expected = {f"{name}.{metric}" for name, label in spec.labels.items() for metric in label.metrics}
    assert expected <= set(metrics) and np.isfinite(list(metrics.values())).all()
    slices = {"all": metrics, **report["slices"]}
    assert {"kind=good", "kind=bad", "length=0-1", "length=2-4", "length=5 and more"} == set(report["slices"])

    [model] = (tmp_path / "out" / "artifacts" / "SequenceTrainer" / "model").glob("*/Format-Serving")
    told = command("predict", model, tmp_path / "data" / "test.tfrecord")
    predicted = [json.loads(line) for line in told.stdout.splitlines()]
    tags = [sequence["tag"] for _, sequence in records]
    real = [[bool(w) for w in sequence["sure"]] for _, sequence in records]
    # A step without weight is not there: no tag of it counts.
    truth, found = (
        [
            ["O" if not there else tag for tag, there in zip(row, its, strict=True)]
            for row, its in zip(rows, real, strict=True)
        ]
        for rows in (tags, [p["tag"]["predicted_class"] for p in predicted])
    )
    np.testing.assert_allclose(metrics["tag.span_f1"], span_f1(truth, found), atol=1e-6)
    check_slices(spec, slices, report["step_ranges"], records, predicted)
    check_confusion(report["plots"]["kind"]["confusion"], records, predicted)
    check_naive(spec, report["naive"], records)
    # After two epochs hardly anything is learned: what needs no network is better.
    assert "tag.accuracy" in report["findings"][0]["what"] and report["findings"][0]["kind"] == "no_better_than_naive"
    assert report["findings"][0]["what"] in done.stdout
    page = (tmp_path / "out" / "report.html").read_text()
    for words in ("length=2-4", "4 and more", "Classes of kind", "30 records, 85 steps", "What to try next", "Naive"):
        assert words in page, words


def check_slices(spec, slices, step_ranges, records, predicted):
    """Every figure of every head is what scikit-learn and seqeval compute from the predictions, slice by slice."""
    lengths = [len(sequence["tag"]) for _, sequence in records]
    members = {
        "all": lambda i: True,
        "kind=good": lambda i: records[i][0]["kind"] == "good",
        "kind=bad": lambda i: records[i][0]["kind"] == "bad",
        "length=0-1": lambda i: lengths[i] < 2,
        "length=2-4": lambda i: 2 <= lengths[i] < 5,
        "length=5 and more": lambda i: lengths[i] >= 5,
    }
    assert members.keys() == slices.keys()
    for name, is_in in members.items():
        its = [i for i in range(len(records)) if is_in(i)]
        found = slices[name]
        assert (found["example_count"], found["step_count"]) == (len(its), sum(lengths[i] for i in its))
        expected = of_records(records, predicted, its) | of_steps(records, predicted, its, range(100))
        assert expected.keys() == spec.labels.keys()
        for head, figures in expected.items():
            expect(found, figures, spec.labels[head].metrics, f"{head}.", name)
    for name, steps in {"0": range(1), "1-3": range(1, 4), "4 and more": range(4, 100)}.items():
        found = step_ranges[name]
        assert found["tag.step_count"] == sum(len(set(steps) & set(range(length))) for length in lengths)
        for head, figures in of_steps(records, predicted, range(len(records)), steps).items():
            metrics = set(spec.labels[head].metrics) - {"auc"}
            expect(found, figures, metrics, f"{head}.", f"at steps {name}")


def of_records(records, predicted, its):
    contexts, weights = [records[i][0] for i in its], [records[i][0]["weight"] for i in its]
    answers = [predicted[i] for i in its]
    places = [a["place"]["prediction"] for a in answers]
    return {
        "kind": of_classes([c["kind"] for c in contexts], [a["kind"] for a in answers], weights),
        "topics": of_labels([c["topics"] for c in contexts], [a["topics"]["scores"] for a in answers], weights),
        "place": of_numbers([c["place"] for c in contexts], places, weights),
    }


def of_steps(records, predicted, its, steps):
    """Of the labels of steps at these positions; what weighs nothing is not there."""
    at = [(i, step) for i in its for step in range(len(records[i][1]["tag"])) if step in steps]
    weights = [records[i][0]["weight"] for i, _ in at]

    def true(key):
        return [records[i][1][key][step] for i, step in at]

    def told(head, what):
        return [predicted[i][head][what][step] for i, step in at]

    tags = [
        {"predicted_class": name, "scores": scores}
        for name, scores in zip(told("tag", "predicted_class"), told("tag", "scores"), strict=True)
    ]
    sure = [weight * w for weight, w in zip(weights, true("sure"), strict=True)]
    # The frame behind the last one is not known.
    before = [(i, step) for i, step in at if step + 1 < len(records[i][1]["frame"])]
    scores = [predicted[i]["next_frame"]["scores"][step] for i, step in before]
    frames = [records[i][1]["frame"][step + 1] for i, step in before]
    next_frames = [{n for n, x in zip(s, frame, strict=True) if x} for s, frame in zip(scores, frames, strict=True)]
    of_next = of_labels(next_frames, scores, [records[i][0]["weight"] for i, _ in before])
    return {
        "tag": {**of_classes(true("tag"), tags, sure), **of_spans(records, predicted, its, steps)},
        "next_frame": of_next,
        "moods": of_labels(true("moods"), told("moods", "scores"), weights),
        "level": of_numbers(true("level"), told("level", "prediction"), weights),
    }


def of_spans(records, predicted, its, steps):
    spans, found = [], []
    for i in its:
        sequence, answer = records[i][1], predicted[i]["tag"]["predicted_class"]
        there = [step for step in range(len(sequence["tag"])) if step in steps]
        spans.append([sequence["tag"][step] if sequence["sure"][step] else "O" for step in there])
        found.append([answer[step] if sequence["sure"][step] else "O" for step in there])
    return {
        "span_f1": f1_score(spans, found, zero_division=0),
        "span_precision": precision_score(spans, found, zero_division=0),
        "span_recall": recall_score(spans, found, zero_division=0),
    }


def check_confusion(entries, records, predicted):
    classes = ["good", "bad"]
    expected = confusion_matrix(
        [context["kind"] for context, _ in records],
        [p["kind"]["predicted_class"] for p in predicted],
        labels=classes,
        sample_weight=[context["weight"] for context, _ in records],
    )
    found = np.zeros((2, 2))
    for true, told, weight in entries:
        found[classes.index(true), classes.index(told)] = weight
    np.testing.assert_allclose(found, expected)


def check_naive(spec, naive, records):
    """Naive figures of every head are those of scikit-learn, where train and test are the same records."""
    told = {name: {each["answer"]: each["value"] for each in answers} for name, answers in naive.items()}
    assert {f"{head}.{metric}" for head, label in spec.labels.items() for metric in label.metrics} == told.keys()
    contexts, weights = [c for c, _ in records], [c["weight"] for c, _ in records]
    scores = frequencies([c["kind"] for c in contexts], weights, ("good", "bad"))
    answers = [{"predicted_class": "good", "scores": scores}] * len(records)
    for metric, value in of_classes([c["kind"] for c in contexts], answers, weights).items():
        answer = "majority class" if metric == "accuracy" else "class frequencies"
        np.testing.assert_allclose(told[f"kind.{metric}"][answer], value, rtol=1e-5, err_msg=metric)
    for head, true, its in (
        ("place", [c["place"] for c in contexts], weights),
        ("level", *zip(*((x, c["weight"]) for c, s in records for x in s["level"]), strict=True)),
    ):
        mean = np.average(true, axis=0, weights=its)
        for metric, value in of_numbers(true, [mean] * len(true), its).items():
            np.testing.assert_allclose(told[f"{head}.{metric}"]["training mean"], value, rtol=1e-5, err_msg=head)
    # Each token has one tag of its own.
    assert naive["tag.accuracy"][0] == {"answer": "most frequent for each 'token'", "value": 1.0}
    assert told["tag.span_f1"]["most frequent for each 'token'"] == 1.0
    pairs = [
        (before, after, c["weight"])
        for c, s in records
        for before, after in zip(s["frame"], s["frame"][1:], strict=False)
    ]
    before, after, its = map(np.array, zip(*pairs, strict=True))
    repeated = np.average((before == after).mean(axis=1), weights=its)
    np.testing.assert_allclose(told["next_frame.accuracy"]["previous label repeated"], repeated, rtol=1e-5)


def frequencies(true, weights, classes):
    """Shares of the classes by weight, with one more target of the mean weight for each."""
    counts = np.array([sum(w for t, w in zip(true, weights, strict=True) if t == c) for c in classes])
    counts = counts / np.mean(weights) + 1
    return dict(zip(classes, (counts / counts.sum()).tolist(), strict=True))
