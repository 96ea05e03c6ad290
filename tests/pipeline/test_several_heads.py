"""A run with every kind of label: evaluated, checked, pushed, and predicted with."""

import json

import numpy as np
from seqeval.metrics import f1_score, precision_score, recall_score
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    roc_auc_score,
)

from tests.labels import labels_spec, plain_records
from tests.records import sequence_example, write_records
from tests.reference_spans import span_f1
from tfx_sequences.schemas.spec_io import spec_to_yaml


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
    weights = np.array([context["weight"] for context, _ in records])
    right = np.array(
        [p["kind"]["predicted_class"] == context["kind"] for p, (context, _) in zip(predicted, records, strict=True)]
    )
    np.testing.assert_allclose(metrics["kind.accuracy"], (right * weights).sum() / weights.sum(), rtol=1e-5)
    nll, count = 0.0, 0.0
    for row, (_, sequence), weight in zip(predicted, records, weights, strict=True):
        for scores, frame in zip(row["next_frame"]["scores"], sequence["frame"][1:], strict=False):
            nll -= weight * sum(np.log(p if there else 1 - p) for p, there in zip(scores.values(), frame, strict=True))
            count += weight
    np.testing.assert_allclose(metrics["next_frame.loss"], nll / count, rtol=1e-4)
    check_slices(slices, report["step_ranges"], records, predicted)
    check_confusion(report["plots"]["kind"]["confusion"], records, predicted)
    page = (tmp_path / "out" / "report.html").read_text()
    for words in ("length=2-4", "4 and more", "Classes of kind", "30 records, 85 steps"):
        assert words in page, words


def check_slices(slices, step_ranges, records, predicted):
    """What scikit-learn and seqeval compute from the predictions, slice by slice."""
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
        expect(found, of_records(records, predicted, its))
        expect(found, of_steps(records, predicted, its, range(100)))
    for name, steps in {"0": range(1), "1-3": range(1, 4), "4 and more": range(4, 100)}.items():
        found = step_ranges[name]
        assert found["tag.step_count"] == sum(len(set(steps) & set(range(length))) for length in lengths)
        expect(found, of_steps(records, predicted, range(len(records)), steps))


def expect(found, expected):
    for metric, value in expected.items():
        np.testing.assert_allclose(found[metric], value, rtol=1e-4, atol=1e-6, err_msg=metric)


def of_records(records, predicted, its):
    kinds, weights = [records[i][0]["kind"] for i in its], [records[i][0]["weight"] for i in its]
    answers = [predicted[i]["kind"] for i in its]
    places, found_places = [records[i][0]["place"] for i in its], [predicted[i]["place"]["prediction"] for i in its]
    scores = [[a["scores"][c] for c in ("bad", "good")] for a in answers]
    found = {
        "kind.accuracy": accuracy_score(kinds, [a["predicted_class"] for a in answers], sample_weight=weights),
        "kind.loss": log_loss(kinds, scores, sample_weight=weights, labels=["bad", "good"]),
        "place.mean_squared_error": mean_squared_error(places, found_places, sample_weight=weights),
    }
    if len(set(kinds)) == 2:
        # The curve is exact to the width of its 1000 buckets.
        binned = [int(a["scores"]["bad"] * 1000) for a in answers]
        found["kind.auc"] = roc_auc_score([k == "bad" for k in kinds], binned, sample_weight=weights)
    return found


def of_steps(records, predicted, its, steps):
    """Of the tags and levels at these positions; what weighs nothing is not there."""
    tags, found_tags, weights, levels, found_levels, all_weights, spans, found_spans = [], [], [], [], [], [], [], []
    for i in its:
        (context, sequence), answer = records[i], predicted[i]
        there = [step for step in range(len(sequence["tag"])) if step in steps]
        sure = [sequence["sure"][step] for step in there]
        true, told = ([tags[s] for s in there] for tags in (sequence["tag"], answer["tag"]["predicted_class"]))
        spans.append([tag if w else "O" for tag, w in zip(true, sure, strict=True)])
        found_spans.append([tag if w else "O" for tag, w in zip(told, sure, strict=True)])
        tags += true
        found_tags += told
        weights += [context["weight"] * w for w in sure]
        levels += [sequence["level"][step] for step in there]
        found_levels += [answer["level"]["prediction"][step] for step in there]
        all_weights += [context["weight"]] * len(there)
    return {
        "tag.accuracy": accuracy_score(tags, found_tags, sample_weight=weights),
        "tag.span_f1": f1_score(spans, found_spans, zero_division=0),
        "tag.span_precision": precision_score(spans, found_spans, zero_division=0),
        "tag.span_recall": recall_score(spans, found_spans, zero_division=0),
        "level.mean_squared_error": mean_squared_error(levels, found_levels, sample_weight=all_weights),
        "level.mean_absolute_error": mean_absolute_error(levels, found_levels, sample_weight=all_weights),
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
