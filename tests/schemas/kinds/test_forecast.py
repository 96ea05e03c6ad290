"""Labels that are the next values of a series, as declared."""

import pydantic
import pytest

from tfx_sequences.schemas.spec.label import Label


def forecast(**fields):
    return Label(**{"key": "future", "type": "forecast", "horizon": 4, "target": "value", **fields})


def test_the_shape_is_the_horizon():
    assert forecast().shape == (4,)
    assert not forecast().kind.is_cut_out(forecast())
    assert forecast(key="value").kind.is_cut_out(forecast(key="value"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"horizon": None}, "needs a horizon"),
        ({"target": None}, "needs a target"),
        ({"shape": (3,)}, "remove shape"),
        ({"per_step": True}, "per_step does not apply"),
        ({"known_future": {"value": "values_ahead"}}, "is the target of the forecast"),
    ],
)
def test_fields_that_do_not_fit_are_refused(fields, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        forecast(**fields)


@pytest.mark.parametrize(
    ("loss", "metric"), [("smape", "smape"), ("mase", "mase"), ("mean_absolute_error", "mean_absolute_error")]
)
def test_the_main_metric_is_what_is_learned_if_it_can_be_compared(loss, metric):
    label = forecast(forecast={"loss": loss})
    assert label.kind.main_metric(label) == metric
