"""Images, from the bytes of records to what the network gets."""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.schemas.columns.image_column import ImageColumn

_HALF = 127.5
_AT_A_TIME = 8


def decoded_images(values: tf.Tensor, column: ImageColumn) -> tf.Tensor:
    """The images of bytes values, float32 `[..., height, width, channels]` from -1 to 1; 0 where a value is empty.

    Args:
        values: Strings of any shape.
        column: The column.

    Raises:
        tf.errors.InvalidArgumentError: A value is not an image of the column's encoding (or, raw, size).

    >>> column = ImageColumn(key="x", height=1, width=2, channels=1, encoding="raw")
    >>> decoded_images(tf.constant([b"\\x00\\xff", b""]), column).numpy().tolist() == [[[[-1], [1]]], [[[0], [0]]]]
    True
    """
    flat = tf.reshape(values, [-1])
    images = _raw(flat, column) if column.encoding == "raw" else _decoded(flat, column)
    shaped = tf.reshape(images, tf.concat([tf.shape(values), column.shape], axis=0))
    return tf.ensure_shape(shaped, [*values.shape, *column.shape])


def _raw(flat: tf.Tensor, column: ImageColumn) -> tf.Tensor:
    size, lengths = column.height * column.width * column.channels, tf.strings.length(flat)
    check = tf.debugging.Assert(
        tf.reduce_all((lengths == size) | (lengths == 0)),
        [f"Images '{column.key}' have {size} bytes each, or none. Bytes received:", lengths],
    )
    with tf.control_dependencies([check]):
        pixels = tf.io.decode_raw(flat, tf.uint8, fixed_length=size)
    scaled = tf.cast(pixels, tf.float32) / _HALF - 1
    return tf.where(lengths[:, None] > 0, scaled, 0.0)


def _decoded(flat: tf.Tensor, column: ImageColumn) -> tf.Tensor:
    decode = tf.io.decode_jpeg if column.encoding == "jpeg" else tf.io.decode_png

    def image(value: tf.Tensor) -> tf.Tensor:
        pixels = decode(value, channels=column.channels)
        resized = tf.image.resize(pixels, [column.height, column.width], column.resize)
        return tf.cast(resized, tf.float32) / _HALF - 1

    def image_or_nothing(value: tf.Tensor) -> tf.Tensor:
        return tf.cond(tf.strings.length(value) > 0, lambda: image(value), lambda: tf.zeros(column.shape))

    signature = tf.TensorSpec(column.shape, tf.float32)
    return tf.map_fn(image_or_nothing, flat, fn_output_signature=signature, parallel_iterations=_AT_A_TIME)
