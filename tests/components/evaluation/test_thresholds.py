"""Thresholds, and the comparison with the last blessed model."""

import pytest

from tfx_sequences.components.evaluation.thresholds import missed_thresholds
from tfx_sequences.schemas.spec.evaluation_options import Evaluation

BEFORE = "the value of the last blessed model"


@pytest.mark.parametrize(
    ("thresholds", "missed"),
    [
        ({"accuracy": {"min": 0.75}, "loss": {"max": 0.5}}, []),
        ({"accuracy": {"min": 0.8}}, ["accuracy 0.7500 is below 0.8"]),
        ({"loss": {"max": 0.25}}, ["loss 0.5000 is above 0.25"]),
        ({"auc": {"min": 0.1}}, ["auc was not measured"]),
    ],
)
def test_thresholds_are_met_at_their_bounds(thresholds, missed):
    evaluation = Evaluation(thresholds=thresholds)
    assert missed_thresholds(evaluation, {"accuracy": 0.75, "loss": 0.5}, {}) == missed


@pytest.mark.parametrize(
    ("baseline", "before", "missed"),
    [
        ({"accuracy": {"max_drop": 0.25}}, {"accuracy": 1.0}, []),
        (
            {"accuracy": {"max_drop": 0.125}},
            {"accuracy": 1.0},
            [f"accuracy 0.7500 is more than 0.125 below 1.0000, {BEFORE}"],
        ),
        ({"loss": {"max_rise": 0.125}}, {"loss": 0.25}, [f"loss 0.5000 is more than 0.125 above 0.2500, {BEFORE}"]),
        ({"loss": {"max_rise": 0.0}}, {"loss": 0.75}, []),
        ({"auc": {"max_drop": 0.0}}, {"loss": 0.75}, ["auc was not measured"]),
        # Without a blessed model before there is nothing to compare with.
        ({"accuracy": {"max_drop": 0.0}}, {}, []),
    ],
)
def test_the_last_blessed_model_is_compared_with(baseline, before, missed):
    evaluation = Evaluation(baseline=baseline)
    assert missed_thresholds(evaluation, {"accuracy": 0.75, "loss": 0.5}, before) == missed
