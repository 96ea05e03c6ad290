import pytest

from tfx_sequences.schemas.kinds.forecast_options import Forecast, SeriesNormalization


@pytest.mark.parametrize(
    "fields",
    [{"windows": -1}, {"lags": (0,)}, {"decoder": "both"}, {"teacher_forcing": 1.5}, {"loss": "mape"}, {"units": 0}],
)
def test_what_a_forecast_cannot_be_is_an_error(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        Forecast(**fields)


def test_a_normalization_that_is_none_is_an_error():
    with pytest.raises(ValueError, match="offset"):
        SeriesNormalization(offset="first")
