"""The forecasts of a spec."""

from tfx_sequences.schemas.spec.forecasts import forecast_heads, horizon_of, known_future
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def forecast(**fields):
    return {"key": "future", "type": "forecast", "horizon": 3, "target": "value", **fields}


def test_a_spec_without_forecasts_has_none():
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    assert (forecast_heads(spec), horizon_of(spec), known_future(spec)) == ({}, 0, {})


def test_known_futures_are_those_of_all_heads():
    known = {"holiday": "holidays_ahead", "price": "prices_ahead"}
    numbers = {name: {"type": "numeric"} for name in ("value", "other", "holiday", "price")}
    spec = SequenceSpec(
        name="s",
        sequence=numbers,
        labels={
            "first": forecast(known_future=known),
            "second": forecast(target="other", key="other_future", known_future=known),
        },
    )
    assert list(forecast_heads(spec)) == ["first", "second"]
    assert horizon_of(spec) == 3
    assert known_future(spec) == known
