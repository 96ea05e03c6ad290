import numpy as np
import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.byte_numbers import FIXED_ENCODINGS, ByteLayout, Dequantize, item_bytes
from tfx_sequences.schemas.columns.column import NumericColumn, Scaling
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@pytest.mark.parametrize("encoding", FIXED_ENCODINGS)
def test_items_have_the_bytes_of_the_type(encoding):
    assert item_bytes(encoding) == (2 if encoding == "bfloat16" else np.dtype(encoding).itemsize)


def test_the_range_is_that_of_youtube_8m():
    """Its reader computes `v * (max - min) / 255 + (max - min) / 512 + min`."""
    offset, scale = Dequantize(min=-2.0, max=2.0).offset_and_scale
    values = np.arange(256)
    np.testing.assert_allclose(values * scale + offset, values * (4 / 255) + 4 / 512 - 2)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"big_endian": True}, "big_endian needs encoding"),
        ({"dequantize": {"min": 0.0, "max": 1.0}}, "dequantize needs encoding"),
        ({"encoding": "int8", "dequantize": {"min": 0.0, "max": 1.0}}, "needs encoding uint8, but encoding is int8"),
        ({"encoding": "uint8", "dequantize": {"min": 1.0, "max": 1.0}}, "must be greater than"),
        ({"encoding": "int8", "dtype": "int64"}, "dtype int64 is for lists of numbers"),
        ({"encoding": "tensor", "big_endian": True}, "remove big_endian"),
        ({"encoding": "uint9"}, "encoding"),
    ],
)
def test_what_contradicts_itself_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        declared(NumericColumn, key="x", **fields)


def test_bytes_stay_where_no_statistic_is_needed():
    quantized = {"encoding": "uint8", "dequantize": {"min": -2.0, "max": 2.0}}
    assert NumericColumn(key="x", **quantized).stays_encoded
    assert NumericColumn(key="x", **quantized).normalizer == "none"
    assert NumericColumn(key="x", encoding="int16", normalizer=Scaling(scale=0.5)).stays_encoded
    assert not NumericColumn(key="x", encoding="int16").stays_encoded
    assert not NumericColumn(key="x", **quantized, normalizer="z_score").stays_encoded
    assert not NumericColumn(key="x", normalizer="none").stays_encoded


def test_layouts_say_what_they_expect():
    assert str(ByteLayout("int16", 2, big_endian=True)) == "4 bytes: 2 numbers of int16, big-endian"
    assert str(ByteLayout("uint8", 2, big_endian=True)) == "2 bytes: 2 numbers of uint8"
    assert ByteLayout("tensor", 9).num_bytes is None and "9 numbers" in str(ByteLayout("tensor", 9))


def test_a_forecast_is_of_lists_of_numbers():
    with pytest.raises(ValueError, match="has an encoding"):
        SequenceSpec(
            name="s",
            sequence={"x": {"type": "numeric", "encoding": "float32", "normalizer": "none"}},
            label={"key": "x", "type": "forecast", "target": "x", "horizon": 2},
        )
