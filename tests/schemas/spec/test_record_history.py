"""Whether a record is normalised by its whole or by the steps up to each: the spec decides, and each stage is told."""

import pytest

from tfx_sequences.schemas.spec.record_history import is_causal
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import TRAIN_SECTIONS, TRANSFORM_SECTIONS, spec_from_json, spec_to_json

PER_STEP = {"key": "tag", "per_step": True}
TUNING = {"parameters": {"model.bidirectional": {"choices": (True, False)}}}


def spec_of(causal=None, **fields):
    column = {"type": "numeric", "causal": causal}
    return SequenceSpec(**{"name": "s", "sequence": {"x": column}, "label": {"key": "y"}, **fields})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"model": {"bidirectional": False}}, True),
        ({"label": PER_STEP}, True),
        ({"labels": {"a": {"key": "y"}, "b": PER_STEP}, "label": None}, True),
        ({"tuning": TUNING}, True),
        ({"label": PER_STEP, "causal": False}, False),
        ({"causal": True}, True),
    ],
)
def test_steps_do_not_know_what_is_to_come_where_that_matters(fields, expected):
    spec = spec_of(**fields)
    assert is_causal(spec, spec.sequence["x"]) == expected
    # Transform is told without the network, and each trial of a search with one of its own.
    for sections in (TRANSFORM_SECTIONS, TRAIN_SECTIONS):
        stage = spec_from_json(spec_to_json(spec, sections))
        assert is_causal(stage, stage.sequence["x"]) == expected
    assert spec_to_json(stage, TRANSFORM_SECTIONS) == spec_to_json(spec, TRANSFORM_SECTIONS)


def test_a_forecast_knows_nothing_of_what_it_forecasts():
    label = {"type": "forecast", "key": "future", "target": "x", "horizon": 2}
    covariate = {"type": "numeric"}
    spec = spec_of(label=label, sequence={"x": {"type": "numeric"}, "z": covariate})
    assert is_causal(spec, spec.sequence["z"])


def test_a_future_that_is_known_is_not_normalised_by_the_record():
    label = {"type": "forecast", "key": "future", "target": "x", "horizon": 2, "known_future": {"z": "z_ahead"}}
    with pytest.raises(ValueError, match=r"sequence\.z\.normalizer is one of the record's own steps"):
        spec_of(label=label, sequence={"x": {"type": "numeric"}, "z": {"type": "numeric", "normalizer": "per_record"}})
