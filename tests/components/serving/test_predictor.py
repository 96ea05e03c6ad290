"""Outputs of a model as rows, and the records that have none."""

import numpy as np
import pytest

from tests.labels import labels_spec
from tfx_sequences.components.serving.predictor import MOST_NAMED, Failure, Failures, _not_finite, answer, answers
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

CLASSES = np.array([[b"good", b"bad"]] * 2, object)


def test_failures_are_counted_and_the_first_ones_kept():
    failures = Failures()
    for number in range(MOST_NAMED + 2):
        failures(Failure(f"record {number}", "why"))
    assert failures.count == MOST_NAMED + 2
    assert [failure.place for failure in failures.first] == [f"record {n}" for n in range(MOST_NAMED)]
    # Those of a part, of which only the first ones are known.
    other = Failures()
    other.add([Failure("a", "b")], count=7)
    assert (other.count, len(other.first)) == (7, 1)


def test_a_single_label_gives_plain_rows():
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "classes": ("good", "bad")})
    outputs = {
        "scores": np.array([[0.75, 0.25], [0.5, 0.5]]),
        "classes": CLASSES,
        "predicted_class": np.array([b"good", b"bad"], object),
    }
    assert list(answers(outputs, spec)) == [
        {"predicted_class": "good", "scores": {"good": 0.75, "bad": 0.25}},
        {"predicted_class": "bad", "scores": {"good": 0.5, "bad": 0.5}},
    ]
    assert answer(outputs, 0, spec, top_k=1) == {"predicted_class": "good", "scores": {"good": 0.75}}
    assert answer(outputs, 1, spec, top_k=0) == {"predicted_class": "bad"}


def test_several_labels_are_grouped_and_steps_end_with_the_record():
    labels = {
        "level": {"key": "level", "type": "regression", "per_step": True},
        "topics": {"key": "topics", "type": "multi_label", "classes": ("good", "bad")},
    }
    outputs = {
        "level_predictions": np.array([[1.0, 2.0, 9.0], [9.0, 9.0, 9.0]]),
        "sequence_length": np.array([2, 0]),
        "topics_scores": np.array([[0.5, 0.25], [0.0, 1.0]]),
        "topics_classes": CLASSES,
    }
    assert list(answers(outputs, labels_spec(labels=labels))) == [
        {
            "level": {"prediction": [1.0, 2.0]},
            "topics": {"predicted_classes": ["good"], "scores": {"good": 0.5, "bad": 0.25}},
        },
        {"level": {"prediction": []}, "topics": {"predicted_classes": ["bad"], "scores": {"good": 0.0, "bad": 1.0}}},
    ]


@pytest.mark.parametrize("name", ["scores", "level_predictions"])
def test_rows_with_numbers_that_are_not_finite_are_found(name):
    numbers = np.array([[[0.0], [1.0]], [[np.inf], [np.nan]], [[0.0], [np.nan]]])
    found = _not_finite({name: numbers, "lengths": np.array([np.nan] * 3)}, 3)
    assert list(found) == [1, 2] and found[1] == np.inf and np.isnan(found[2])
    assert _not_finite({name: np.zeros((0, 2))}, 0) == {}
