"""Values that should be images: whether they can be decoded."""

from __future__ import annotations

from collections.abc import Sequence

from tfx_sequences.schemas.columns.image_column import ImageColumn


def first_not_decoded(values: Sequence[bytes], column: ImageColumn) -> int | None:
    """Where the first value is that is not an image of the column's encoding; None if all are, or are empty.

    >>> column = ImageColumn(key="x", height=1, width=2, channels=1, encoding="raw")
    >>> first_not_decoded([b"12", b"", b"123"], column), first_not_decoded([b"12"], column)
    (2, None)
    """
    import tensorflow as tf

    if column.encoding == "raw":
        size = column.height * column.width * column.channels
        return next((at for at, value in enumerate(values) if len(value) not in (0, size)), None)
    decode = tf.io.decode_jpeg if column.encoding == "jpeg" else tf.io.decode_png
    for at, value in enumerate(values):
        if value:
            try:
                decode(value, channels=column.channels)
            except tf.errors.InvalidArgumentError:
                return at
    return None
