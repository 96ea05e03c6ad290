"""Every declared kind answers every question."""

import json

import numpy as np
import pytest

from tfx_sequences.schemas.kinds.registry import kind_names
from tfx_sequences.schemas.spec.label import Label

LABELS = [
    Label(key="y"),
    Label(key="y", per_step=True),
    Label(key="y", type="multi_label"),
    Label(key="y", type="multi_label", shape=(3,), per_step=True),
    Label(key="y", type="distribution", shape=(3,)),
    Label(key="y", type="distribution", shape=(3,), per_step=True),
    Label(key="y", type="regression"),
    Label(key="y", type="regression", shape=(3,)),
    Label(key="y", type="forecast", horizon=3, target="x"),
]


def answers_of(label):
    """What a served model answers of one record with two steps and three classes, or numbers."""
    steps, names = (2,) if label.per_step else (), [b"a", b"b", b"c"]
    found = {
        "scores": np.full((*steps, 3), [0.1, 0.7, 0.2]),
        "classes": np.array(names, object),
        "predicted_class": np.array([b"b", b"b"], object) if steps else b"b",
        "predictions": np.zeros((*steps, *label.shape)),
    }
    return {name: found[name] for name in label.kind.outputs}


def test_every_kind_is_looked_at():
    assert {label.type for label in LABELS} == set(kind_names())


@pytest.mark.parametrize("label", LABELS, ids=lambda label: f"{label.type}{label.shape}{label.per_step}")
def test_it_answers_every_question(label):
    kind = label.kind
    assert kind.name == label.type
    assert label.target_dtype in ("int64", "float32")
    # Only classes are looked up; vectors of 0 and 1, and all numbers, are taken as they are.
    assert (label.target_dtype == "int64") == (kind.has_classes and not label.is_vector)
    assert kind.has_classes == (kind.fewest_classes > 0) >= kind.has_several_classes
    assert label.metrics and set(kind.tfma_metrics(label)) <= set(label.metrics)
    assert set(kind.plots(label)) <= {"curves", "confusion"}
    assert kind.outputs[0] in ("scores", "predictions")
    assert "dtype" in kind.fix_of_dtype(label, "int64", "the label", "label")
    assert kind.check(label) is None
    row = kind.row(label, answers_of(label))
    assert json.loads(json.dumps(row)) == row


@pytest.mark.parametrize("label", LABELS, ids=lambda label: f"{label.type}{label.shape}{label.per_step}")
def test_a_label_that_is_written_and_read_is_the_same(label):
    assert Label.model_validate_json(label.model_dump_json()) == label
