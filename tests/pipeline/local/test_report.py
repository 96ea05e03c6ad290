"""Parts of a run's report whose words follow from its figures."""

import pytest

from tfx_sequences.components.records.data_check import SplitReport
from tfx_sequences.components.records.missing_values import MissingCounts
from tfx_sequences.pipeline.local.report import (
    _check_line,
    _time_line,
    input_losses,
    missing_lines,
    speed_line,
    split_figures,
)


def test_lost_records_have_a_line_for_each_split_and_reason():
    none = {what: {"count": 0} for what in ("truncated", "too_short", "too_long", "malformed")}
    figures = {"train": {**none, "too_short": {"count": 2}}, "valid": {**none, "malformed": {"count": 1}}}
    assert input_losses(figures) == [
        ("train input", "2 records were dropped because they are shorter than drop_shorter_than"),
        ("valid input", "1 records were dropped because they could not be parsed"),
    ]


@pytest.mark.parametrize(
    ("training", "line"),
    [
        ({"speed": {"steps_per_second": 40.04}, "resumed_at": None}, "40.0 steps/s"),
        (
            {"speed": {"steps_per_second": 4_000.0, "real_steps_per_second": 25_600.4}, "resumed_at": [3, 7]},
            "4,000.0 steps/s, 25,600 real steps/s; resumed in epoch 3 after step 7",
        ),
    ],
)
def test_speed_and_resumption(training, line):
    assert speed_line(training) == line


def test_the_model_check_says_its_largest_difference_or_its_failures():
    check = {"failures": [], "records": 9, "largest_difference": {"scores": 1e-7, "predictions": 2e-7}}
    assert _check_line(check).startswith("9 records in a fresh process")
    assert _check_line(check).endswith("predictions 2e-07")
    assert _check_line({**check, "largest_difference": {}}).endswith("predictions 0")
    assert _check_line({**check, "failures": ["a", "b"]}) == "a; b"


@pytest.mark.parametrize(
    ("components", "line"),
    [
        (
            [("Trainer", 7.4, False), ("Transform", 9.6, False), ("Pusher", 0.2, True)],
            "22 s: data check 2, start of TFX 3, Transform 10, Trainer 7, others 0; 1 components cached",
        ),
        ([("Trainer", 0.1, True)], "5 s: data check 2, start of TFX 3; every component was cached (1 of 1)"),
    ],
)
def test_time_is_divided_slowest_first(components, line):
    parts = [{"name": name, "seconds": seconds, "cached": cached} for name, seconds, cached in components]
    seconds = {"check": 2.0, "start": 3.0, "components": sum(seconds for _, seconds, _ in components)}
    assert _time_line({"seconds": seconds, "components": parts}) == line


def test_a_split_is_plain_data_with_what_is_missing():
    missing = {"sequence.dose": MissingCounts(0, 7, 0, 40, 40), "label": MissingCounts(0, 1, 0, 3, 3)}
    split = SplitReport("train", ("a", "b"), 3, 8, 0, 8 / 3, 5, 1, {"label": {"x": 3}}, missing)
    figures = split_figures(split)
    assert figures == {
        "files": 2,
        "records": 3,
        "steps": 8,
        "length_min": 0,
        "length_mean": 2.67,
        "length_max": 5,
        "zero_length": 1,
        "missing": {"sequence.dose": "7 of 40 steps", "label": "1 of 3 steps"},
    }
    complete = {**figures, "missing": {}}
    assert missing_lines({"train": figures, "test": complete}) == [
        ("missing", "train: sequence.dose, 7 of 40 steps; label, 1 of 3 steps")
    ]
