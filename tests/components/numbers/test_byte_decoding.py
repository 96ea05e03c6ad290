import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.encoded import as_bytes
from tfx_sequences.components.numbers.byte_decoding import (
    Decoded,
    decode,
    decode_arrays,
    dequantized,
    encode_array,
    numbers_of,
    transformed_default,
)
from tfx_sequences.schemas.columns.byte_numbers import FIXED_ENCODINGS, ByteLayout
from tfx_sequences.schemas.columns.column import NumericColumn

NUMBERS = np.array([[1, 2, 100], [0, 127, 64], [5, 6, 7]])
ORDERS = [(encoding, big_endian) for encoding in FIXED_ENCODINGS for big_endian in (False, True)]


@pytest.mark.parametrize(("encoding", "big_endian"), ORDERS)
def test_every_encoding_and_byte_order(encoding, big_endian):
    layout = ByteLayout(encoding, 3, big_endian)
    values = [as_bytes(numbers, encoding, big_endian) for numbers in NUMBERS]
    assert [encode_array(numbers, layout) for numbers in NUMBERS] == values
    found, arrays = decode(tf.constant([*values, b"", b"1"]), layout), decode_arrays([*values, b"", b"1"], layout)
    assert found.numbers.dtype == tf.as_dtype(encoding)
    for decoded in (found, arrays):
        np.testing.assert_array_equal(np.asarray(decoded.numbers[:3]).astype(float), NUMBERS)
        assert np.asarray(decoded.present).tolist() == [True, True, True, False, True]
        assert np.asarray(decoded.fits).tolist() == [True, True, True, True, 3 * layout.num_bytes == 3]


@given(st.sampled_from(ORDERS), st.lists(st.binary(min_size=16, max_size=16), max_size=5))
def test_any_bytes_of_the_right_number_are_numpys_numbers(order, values):
    encoding, big_endian = order
    layout = ByteLayout(encoding, 16 // ByteLayout(encoding, 1).num_bytes, big_endian)
    found = decode(tf.constant(values, tf.string), layout).numbers.numpy().astype(np.float64)
    dtype = tf.as_dtype(encoding).as_numpy_dtype
    size = np.dtype(dtype).itemsize
    joined = np.frombuffer(b"".join(values), np.uint8).reshape(-1, size)
    ordered = np.ascontiguousarray(joined[:, ::-1] if big_endian else joined)
    wanted = ordered.reshape(-1).view(dtype).astype(np.float64).reshape(len(values), layout.size)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(decode_arrays(values, layout).numbers.astype(np.float64), wanted)


def test_tensors_of_any_types_and_shapes():
    types = ["float32", "float64", "int32", "uint8", "int16", "int8", "int64", "uint16", "float16", "bfloat16"]
    values = [tf.io.serialize_tensor(tf.cast(tf.reshape(tf.range(6), [2, 3]), t)).numpy() for t in types]
    values += [b"", tf.io.serialize_tensor(tf.range(5)).numpy(), tf.io.serialize_tensor(tf.constant(["a"] * 6)).numpy()]
    layout = ByteLayout("tensor", 6)

    @tf.function
    def in_graph(given):
        found = decode(given, layout)
        return found.numbers, found.present, found.fits

    graph = Decoded(*in_graph(tf.constant(values)))
    for found in (decode(tf.constant(values), layout), graph, decode_arrays(values, layout)):
        np.testing.assert_array_equal(found.numbers[: len(types)], [[0, 1, 2, 3, 4, 5]] * len(types))
        assert np.asarray(found.fits).tolist() == [True] * len(types) + [True, False, False]
    assert decode(tf.constant([], tf.string), layout).numbers.shape == (0, 6)
    assert not decode_arrays([b"no tensor"], layout).fits[0]
    np.testing.assert_array_equal(decode_arrays([encode_array([1.5] * 6, layout)], layout).numbers, [[1.5] * 6])


def test_numbers_of_a_column_are_dequantized_moved_scaled_and_clipped():
    column = NumericColumn(
        key="x",
        shape=(2,),
        encoding="uint8",
        dequantize={"min": -2.0, "max": 2.0},
        normalizer={"offset": (0.5, -0.5), "scale": 3.0},
        clip=4.0,
        default_value=0.25,
    )
    values = np.array([[0, 255], [128, 7]], np.uint8)
    given = tf.constant([[v.tobytes() for v in values], [b"", b""]])
    wanted = np.clip((values.astype(float) * 4 / 255 + 4 / 512 - 2 - [0.5, -0.5]) * 3, -4, 4)
    found = numbers_of(given, column)
    np.testing.assert_allclose(found[0], wanted, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found[1], [np.clip((0.25 - np.array([0.5, -0.5])) * 3, -4, 4)] * 2)
    assert found.dtype == tf.float32 and transformed_default(column).tolist() == [-0.75, 2.25]


def test_whole_numbers_keep_their_digits_until_they_are_moved():
    """Unix seconds in a float32 are multiples of 128."""
    column = NumericColumn(key="t", encoding="int64", normalizer={"offset": 1528917632.0, "scale": 1.0})
    values = tf.constant([np.int64(1528917632 + s).tobytes() for s in range(60)])
    assert numbers_of(values, column).numpy().tolist() == list(range(60))


def test_scalars_have_no_dimension_of_their_own():
    column = NumericColumn(key="x", encoding="uint8", normalizer="none")
    assert numbers_of(tf.constant([[b"\x07"]]), column).numpy().tolist() == [[7.0]]
    assert dequantized(np.array([1.0]), column).tolist() == [1.0]


@pytest.mark.parametrize("encoding", ["float16", "float32", "bfloat16"])
def test_what_is_missing_is_0_where_numbers_may_be_infinite(encoding):
    column = NumericColumn(key="x", encoding=encoding, normalizer="none")
    infinite = as_bytes([np.inf], encoding, False)
    assert numbers_of(tf.constant([infinite, b""]), column).numpy().tolist() == [np.inf, 0.0]
