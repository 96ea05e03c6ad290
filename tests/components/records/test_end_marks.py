"""Labels with a class that is the class of every last step, and of no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.records import sequence_example
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.end_marks import EndMarks
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def search(label_of, *, token_of=lambda step, steps: "x", count=60, bidirectional=True):
    spec = SequenceSpec.model_validate(
        {
            "name": "t",
            "sequence": {"x": {"type": "numeric"}, "token": {"type": "categorical"}},
            "label": {"key": "y", "per_step": True},
            "model": {"bidirectional": bidirectional},
        }
    )
    random = np.random.default_rng(3)
    marks = EndMarks(spec)
    for _ in range(3):
        records = []
        for steps in random.integers(0, 7, count // 3).tolist():
            labels = [label_of(step, steps) for step in range(steps)]
            tokens = [token_of(step, steps) for step in range(steps)]
            lists = {"x": random.normal(size=steps).tolist(), "y": labels, "token": tokens}
            records.append(sequence_example({}, lists).SerializeToString())
        batch = Batch(Path("train"), 0, records)
        parse_batch(batch, spec)
        marks.add(batch)
    return marks


def end_or_go(step, steps):
    return "end" if step == steps - 1 else "go"


def test_the_class_of_the_last_steps_is_found():
    marks = search(end_or_go)
    [leak] = marks.found()
    assert (leak.kind, leak.level, leak.what) == ("later", "warning", "The label 'y' marks the end of the record.")
    assert leak.received.startswith("'end' is the class of the last step in all ") and "no other step" in leak.received
    assert marks.told() == {"label": leak.received}


@pytest.mark.parametrize("bidirectional", [False, "auto"])
def test_a_network_that_does_not_read_later_steps_does_not_see_it(bidirectional):
    assert search(end_or_go, bidirectional=bidirectional).found() == []


@pytest.mark.parametrize(
    "label_of",
    [
        lambda step, steps: "ab"[(step + steps) % 2],
        lambda step, steps: "end" if step in (0, steps - 1) else "go",
        lambda step, steps: ["end", "stop"][steps % 2] if step == steps - 1 else "go",
        lambda step, steps: [] if step == steps - 1 else ["go"],
        lambda step, steps: "all",
    ],
)
def test_classes_that_other_steps_have_or_not_all_records_are_no_marks(label_of):
    assert search(label_of).told() == {}


def test_few_records_and_a_term_of_the_last_step_say_nothing():
    assert search(end_or_go, count=9).told() == {}
    assert search(end_or_go, token_of=lambda step, steps: "." if step == steps - 1 else "word").told() == {}
