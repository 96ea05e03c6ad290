"""Answers for rows as plain lines."""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.serving.row_answers import lines_of
from tfx_sequences.components.serving.row_prediction import Answered
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def test_lines_have_the_keys_of_their_rows():
    outputs = {"predictions": np.array([0.5, 0.25, 0.0]), "sequence_length": np.array(2)}
    record = Answered(outputs, np.array([4, 2]), 1, {"user": "ann"}, ["t0", "t1"])
    label = {"key": "y", "type": "regression", "per_step": True}
    of_steps = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label=label)
    assert list(lines_of(record, of_steps, numbers=True)) == [
        {"row": 4, "group": {"user": "ann"}, "time": "t0", "prediction": 0.5},
        {"row": 2, "group": {"user": "ann"}, "time": "t1", "prediction": 0.25},
    ]
    of_records = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "type": "regression"})
    record = Answered({"predictions": np.array(0.5)}, np.array([4, 2]), 1, {"user": "ann"}, ["t0", "t1"])
    assert list(lines_of(record, of_records)) == [
        {"group": {"user": "ann"}, "first": "t0", "last": "t1", "steps": 2, "prediction": 0.5}
    ]
