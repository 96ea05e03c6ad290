"""Decodes numbers from bytes: whole batches with a few ops, or with NumPy.

A value contains the numbers of one step (or record), in its `ByteLayout`. An empty value is missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tfx_sequences.schemas.columns.byte_numbers import ByteLayout, item_bytes
from tfx_sequences.schemas.columns.column import NumericColumn, Scaling

if TYPE_CHECKING:
    import tensorflow as tf

# The possible types of a serialized tensor, by their number in TensorProto.
_TENSOR_TYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
}
# TensorFlow's kernel for values of one length does not support float16: decode these as integers of that size.
_DECODED_AS = {"float16": "uint16", "bfloat16": "uint16"}


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The numbers of `N` values.

    Attributes:
        numbers: `[N, size]`, with the type of the numbers in the bytes; float64 for serialized tensors. Missing or
            invalid values give arbitrary numbers.
        present: bool `[N]`, whether the value is not empty.
        fits: bool `[N]`, whether the value is empty or matches the layout.
    """

    numbers: Any
    present: Any
    fits: Any


def decode(values: tf.Tensor, layout: ByteLayout) -> Decoded:
    """Decodes bytes values, strings `[N]`, in a graph or eagerly.

    Raises:
        tf.errors.DataLossError: A value is not a serialized tensor, but should be one.

    >>> import tensorflow as tf
    >>> found = decode(tf.constant([b"\\x01\\x00\\x02\\x00", b"", b"\\x01"]), ByteLayout("int16", 2))
    >>> found.numbers.numpy()[0].tolist(), found.present.numpy().tolist(), found.fits.numpy().tolist()
    ([1, 2], [True, False, True], [True, True, False])
    """
    import tensorflow as tf

    lengths = tf.strings.length(values)
    if layout.num_bytes is not None:
        numbers = _decoded(values, layout.encoding, layout.size, layout.big_endian)
        return Decoded(numbers, lengths > 0, (lengths == layout.num_bytes) | (lengths == 0))
    # The op fails without values, so an empty message is appended.
    padded = tf.concat([values, [b""]], axis=0)
    protos = tf.io.decode_proto(padded, "tensorflow.TensorProto", ["dtype", "tensor_content"], [tf.int32, tf.string])
    types, contents = (tf.pad(found, [[0, 0], [0, 1]])[:-1, 0] for found in protos.values)
    fits = lengths == 0
    numbers = tf.zeros(tf.stack([tf.shape(values)[0], layout.size]), tf.float64)
    for number, encoding in _TENSOR_TYPES.items():
        num_bytes = layout.size * item_bytes(encoding)
        of_type = (types == number) & (tf.strings.length(contents) == num_bytes)
        fits |= of_type
        # The tensors of a feature usually have one type: other types are not decoded.
        numbers = tf.cond(tf.reduce_any(of_type), _of_type(contents, encoding, of_type, numbers), lambda n=numbers: n)
    return Decoded(tf.ensure_shape(numbers, [None, layout.size]), lengths > 0, fits)


def _of_type(contents: tf.Tensor, encoding: str, of_type: tf.Tensor, others: tf.Tensor) -> Callable[[], tf.Tensor]:
    import tensorflow as tf

    def numbers() -> tf.Tensor:
        found = tf.cast(_decoded(contents, encoding, others.shape[1], False), tf.float64)
        return tf.where(of_type[:, None], found, others)

    return numbers


def _decoded(values: tf.Tensor, encoding: str, size: int, big_endian: bool) -> tf.Tensor:
    import tensorflow as tf

    dtype = tf.as_dtype(_DECODED_AS.get(encoding, encoding))
    # Shorter values are padded and longer ones are truncated, so that one of them does not stop the batch.
    numbers = tf.io.decode_raw(values, dtype, not big_endian, fixed_length=size * dtype.size)
    return tf.bitcast(numbers, tf.as_dtype(encoding)) if encoding in _DECODED_AS else numbers


def decode_arrays(values: Sequence[bytes], layout: ByteLayout) -> Decoded:
    """The same as `decode` with NumPy, for checks and for output of records.

    >>> decode_arrays([b"\\x00\\x01"], ByteLayout("int16", 1, big_endian=True)).numbers.tolist()
    [[1]]
    """
    present = np.array([len(value) > 0 for value in values], bool)
    if layout.num_bytes is None:
        return _decoded_tensors(values, layout, present)
    fits = np.array([len(value) in (0, layout.num_bytes) for value in values], bool)
    nothing = bytes(layout.num_bytes)
    contents = b"".join(value if len(value) == layout.num_bytes else nothing for value in values)
    numbers = _from_buffer(contents, layout.encoding, layout.big_endian)
    return Decoded(numbers.reshape(len(values), layout.size), present, fits)


def _decoded_tensors(values: Sequence[bytes], layout: ByteLayout, present: np.ndarray) -> Decoded:
    from google.protobuf.message import DecodeError
    from tensorflow.core.framework import tensor_pb2

    numbers = np.zeros((len(values), layout.size))
    fits = ~present
    for at in np.flatnonzero(present):
        try:
            proto = tensor_pb2.TensorProto.FromString(values[at])
        except DecodeError:
            continue
        encoding = _TENSOR_TYPES.get(proto.dtype)
        if encoding is None or len(proto.tensor_content) != ByteLayout(encoding, layout.size).num_bytes:
            continue
        fits[at] = True
        numbers[at] = _from_buffer(proto.tensor_content, encoding, False)
    return Decoded(numbers, present, fits)


def _from_buffer(contents: bytes, encoding: str, big_endian: bool) -> np.ndarray:
    order: Literal[">", "<"] = ">" if big_endian else "<"
    if encoding != "bfloat16":
        return np.frombuffer(contents, np.dtype(encoding).newbyteorder(order))
    # The upper half of a float32.
    halves = np.frombuffer(contents, f"{order}u2").astype(np.uint32)
    return (halves << 16).view(np.float32)


def encode_array(numbers: Any, layout: ByteLayout) -> bytes:
    """Encodes an array of the layout's size, for `decode`; `tensor` gives a float32 tensor.

    >>> encode_array([1, 2], ByteLayout("uint16", 2, big_endian=True))
    b'\\x00\\x01\\x00\\x02'
    """
    array = np.asarray(numbers).reshape(-1)
    if layout.encoding == "tensor":
        import tensorflow as tf

        return tf.io.serialize_tensor(tf.constant(array, tf.float32)).numpy()
    order: Literal[">", "<"] = ">" if layout.big_endian else "<"
    if layout.encoding != "bfloat16":
        return array.astype(np.dtype(layout.encoding).newbyteorder(order)).tobytes()
    import tensorflow as tf

    halves = tf.bitcast(tf.cast(tf.constant(array, tf.float32), tf.bfloat16), tf.uint16).numpy()
    return halves.astype(f"{order}u2").tobytes()


def dequantized(numbers: Any, column: NumericColumn) -> Any:
    """Dequantizes numbers (NumPy arrays or tensors of floats); unchanged for a column without `dequantize`."""
    if column.dequantize is None:
        return numbers
    offset, scale = column.dequantize.offset_and_scale
    return numbers * scale + offset


def numbers_of(values: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    """Converts bytes values `[...]` of a column that stays encoded in transformed records to the network's numbers.

    Args:
        values: Strings of any shape; all must be valid.
        column: The column: its values are dequantized, shifted and scaled, and clipped. An empty value gives the
            `default_value`, or 0 without one.

    Returns:
        float32 `[..., *shape]`.

    >>> import tensorflow as tf
    >>> rgb = NumericColumn(key="rgb", shape=(2,), encoding="uint8", dequantize={"min": -2.0, "max": 2.0})
    >>> numbers_of(tf.constant([[b"\\x00\\xff", b""]]), rgb).numpy().tolist() == [[[-1.9921875, 2.0078125], [0, 0]]]
    True
    """
    import tensorflow as tf

    found = decode(tf.reshape(values, [-1]), _layout(column))
    numbers = transformed_numbers(found.numbers, column)
    numbers = filled_rows(numbers, tf.logical_not(found.present), transformed_default(column))
    shaped = tf.reshape(numbers, tf.concat([tf.shape(values), column.shape], axis=0))
    return tf.ensure_shape(shaped, [*values.shape, *column.shape])


def transformed_numbers(numbers: tf.Tensor, column: NumericColumn) -> tf.Tensor:
    """Converts decoded numbers `[..., size]` for the network, float32: dequantized, shifted and scaled, clipped."""
    import tensorflow as tf

    offset, scale = _affine(column)
    if column.encoding == "uint8" and np.ndim(offset) == np.ndim(scale) == 0 and scale > 0:
        # One op instead of a cast, a product and a sum, which are three passes over memory.
        quantized = tf.bitcast(numbers, tf.quint8)
        dense = tf.raw_ops.Dequantize(
            input=quantized, min_range=np.float32(offset), max_range=np.float32(offset + 255 * scale)
        )
    else:
        full = tf.float64 if _layout(column).needs_double else tf.float32
        dense = tf.cast(numbers, full)
        if np.any(scale != 1) or np.any(offset != 0):
            dense = dense * tf.constant(scale, full) + tf.constant(offset, full)
        dense = tf.cast(dense, tf.float32)
    return dense if column.clip is None else tf.clip_by_value(dense, -column.clip, column.clip)


def filled_rows(numbers: tf.Tensor, which: tf.Tensor, value: Any) -> tf.Tensor:
    """Numbers `[N, size]`, with a value (`[size]` or a scalar) in the rows `which` `[N]`."""
    import tensorflow as tf

    rows, filled = _rows_to_fill(numbers, which, value)
    return tf.tensor_scatter_nd_update(numbers, rows, filled)


def rows_filled_in_place(numbers: tf.Tensor, which: tf.Tensor, value: Any) -> tf.Tensor:
    """Does what `filled_rows` does, in the memory of `numbers`, which nothing else may use; not differentiable.

    `tf.tensor_scatter_nd_update` copies all numbers first. That took twice as long as the conversion of the bytes.
    """
    import tensorflow as tf

    rows, filled = _rows_to_fill(numbers, which, value)
    return tf.raw_ops.InplaceUpdate(x=numbers, i=tf.cast(rows[:, 0], tf.int32), v=filled)


def _rows_to_fill(numbers: tf.Tensor, which: tf.Tensor, value: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Indices `[K, 1]` of the rows, and their new contents `[K, size]`."""
    import tensorflow as tf

    rows = tf.where(which)
    return rows, tf.broadcast_to(tf.constant(value, tf.float32), tf.stack([tf.shape(rows)[0], numbers.shape[1]]))


def transformed_default(column: NumericColumn) -> np.ndarray:
    """The replacement of a missing value, float32 `[size]` or `[]`: 0, or the `default_value`, shifted and scaled."""
    if column.default_value is None:
        return np.zeros((), np.float32)
    number = np.asarray(column.default_value)
    if isinstance(column.normalizer, Scaling):
        number = (number - _elements(column.normalizer.offset)) * _elements(column.normalizer.scale)
    return np.asarray(number if column.clip is None else np.clip(number, -column.clip, column.clip), np.float32)


def _affine(column: NumericColumn) -> tuple[Any, Any]:
    """The offset and the scale of a stored number: numbers, or float64 `[size]`."""
    offset, scale = (0.0, 1.0) if column.dequantize is None else column.dequantize.offset_and_scale
    if not isinstance(column.normalizer, Scaling):
        return offset, scale
    moved, scaled = _elements(column.normalizer.offset), _elements(column.normalizer.scale)
    return (offset - moved) * scaled, scale * scaled


def _elements(number: Any) -> Any:
    return np.asarray(number, np.float64) if isinstance(number, tuple) else float(number)


def _layout(column: NumericColumn) -> ByteLayout:
    if column.layout is None:
        raise TypeError(f"Column '{column.key}' does not have an encoding.")
    return column.layout
