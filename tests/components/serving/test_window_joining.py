"""Answers for overlapping windows as one, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.forecasts import forecast_spec
from tfx_sequences.components.serving.window_joining import check_join, joined, read_steps
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

CLASSES = np.array([b"no", b"yes"], object)
# Rows 5, 6, 7 and 9 of a recording, in windows of three with stride one; steps are padded to four.
ROWS = [np.array([5, 6, 7]), np.array([6, 7, 9])]


def spec_of(batching=None, **label):
    changes = {"batching": batching} if batching else {}
    return SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", **label}, **changes)


def of_steps(values):
    return [{"predictions": np.array([*window, 0.0], np.float32), "sequence_length": np.array(3)} for window in values]


@pytest.mark.parametrize(("join", "expected"), [("mean", [1, 3, 4, 7]), ("max", [1, 4, 5, 7])])
def test_steps_of_several_windows(join, expected):
    answer, rows = joined(of_steps([[1, 2, 3], [4, 5, 7]]), ROWS, spec_of(type="regression", per_step=True), join)
    assert rows.tolist() == [5, 6, 7, 9]
    assert answer["predictions"].tolist() == expected and answer["sequence_length"] == 4
    assert answer["predictions"].dtype == np.float32


@pytest.mark.parametrize(
    ("join", "scores", "predicted"),
    [("mean", [1.6 / 3, 1.4 / 3], b"no"), ("max", [0.9, 0.7], b"no"), ("vote", [1 / 3, 2 / 3], b"yes")],
)
def test_classes_of_recordings(join, scores, predicted):
    each = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]], np.float32)
    windows = [{"scores": its, "classes": CLASSES} for its in each]
    answer, rows = joined(windows, [np.array([0]), np.array([1]), np.array([2])], spec_of(classes=("no", "yes")), join)
    np.testing.assert_allclose(answer["scores"], scores, rtol=1e-6)
    assert answer["predicted_class"] == predicted and rows.tolist() == [0, 1, 2]


def test_each_window_votes_for_each_of_several_classes():
    spec = spec_of(type="multi_label", classes=("no", "yes"))
    windows = [{"scores": np.array(scores), "classes": CLASSES} for scores in ([0.6, 0.5], [0.1, 0.9])]
    answer, _ = joined(windows, ROWS, spec, "vote")
    assert answer["scores"].tolist() == [0.5, 1.0]


def test_steps_beyond_the_longest_length_have_no_answer():
    outputs = {"predictions": np.array([1.0, 2.0]), "sequence_length": np.array(2)}
    label = {"type": "regression", "per_step": True}
    assert read_steps(3, outputs, spec_of({"max_length": 2}, **label)) == slice(2)
    spec = spec_of({"max_length": 2, "truncate": "head"}, **label)
    assert read_steps(3, outputs, spec) == slice(1, 3)
    answer, rows = joined([outputs], ROWS[:1], spec, "mean")
    assert (rows.tolist(), answer["predictions"].tolist()) == ([6, 7], [1.0, 2.0])


def test_numbers_do_not_vote_and_forecasts_are_not_joined():
    with pytest.raises(UserInputError, match=r"cannot vote on the label 'y'"):
        check_join("vote", spec_of(type="regression"))
    check_join("mean", spec_of(type="regression"))
    check_join(None, spec_of(type="regression"))
    with pytest.raises(UserInputError, match="cannot be joined"):
        check_join("mean", forecast_spec())
