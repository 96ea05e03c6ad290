"""How much history a forecast sees: 8 horizons, or two of the longest season and a step."""

import pytest

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def history(horizon, lags=(), **batching):
    label = {"key": "f", "type": "forecast", "horizon": horizon, "target": "value", "forecast": {"lags": lags}}
    spec = SequenceSpec(name="s", sequence={"value": {"type": "numeric"}}, label=label, batching=batching)
    return spec.batching.max_length, spec.batching.truncate


@pytest.mark.parametrize(
    ("horizon", "lags", "steps"), [(6, (), 48), (13, (52,), 105), (13, (52, 4), 105), (24, (24,), 192)]
)
def test_the_end_of_the_series_is_kept(horizon, lags, steps):
    assert history(horizon, lags) == (steps, "head")


def test_what_the_spec_says_wins():
    assert history(6, max_length=10, truncate="head") == (10, "head")
    assert history(6, truncate="head") == (None, "head")


def test_none_keeps_the_whole_history():
    assert history(6, max_length=None) == (None, "head")


def test_other_labels_are_not_cut():
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    assert spec.batching.max_length is None
