"""Lines about the training in summary and report."""

import pytest

from tfx_sequences.pipeline.local.training_lines import settings_line, training_line


@pytest.mark.parametrize(
    ("refit", "line"),
    [
        (None, "best epoch: 9 of 20"),
        (
            {"epochs": 9, "best_epochs": [9], "records": 300},
            "best epoch: 9 of 20; then trained on all 300 records for 9 epochs",
        ),
        (
            {"epochs": 8, "best_epochs": [9, 8, 5], "records": 300},
            "best epoch: 9 of 20; in 3 validations: 9, 8, 5; then trained on all 300 records for 8 epochs",
        ),
    ],
)
def test_a_final_training_is_added(refit, line):
    assert training_line({"epochs": 20, "best_epoch": 9, "refit": refit}) == line


def test_settings_are_written_as_in_a_spec():
    assert settings_line({"a.b": "last", "c": [1, 2], "d": False, "e": None}) == 'a.b "last", c [1, 2], d false, e null'
    assert settings_line({}) == ""
