"""Figures of the training report that are computed from the course of the training."""

import pytest

from tfx_sequences.components.input.input_counts import InputCounts, Noted
from tfx_sequences.components.training.training_report import input_figures, speed


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ({"steps_per_second": [1.0, 9.0, 7.0, 8.0], "loss": [1.0]}, {"steps_per_second": 8.0}),
        # A single epoch includes the tracing of its functions.
        (
            {"steps_per_second": [3.0], "real_steps_per_second": [30.0]},
            {"steps_per_second": 3.0, "real_steps_per_second": 30.0},
        ),
        ({"loss": [1.0]}, {}),
    ],
)
def test_the_speed_is_the_median_without_the_first_epoch(history, expected):
    assert speed(history) == expected


def test_counts_are_of_the_last_epoch_and_padding_of_all():
    first = InputCounts(0, records=4, real_steps=30, padded_steps=40)
    last = InputCounts(1, records=5, real_steps=30, padded_steps=60, too_long=Noted(1, ["a:0"]))
    found = input_figures([first, last])
    assert (found["epochs"], found["epoch"], found["records"], found["padding_share"]) == (2, 1, 5, 0.4)
    assert found["too_long"] == {"count": 1, "first": ["a:0"]}
    assert input_figures([InputCounts(0)])["padding_share"] == 0.0
