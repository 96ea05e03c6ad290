"""Splits text into tokens with TensorFlow's own string ops: the same in Transform, in the layer and in serving."""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import TextColumn

# Text does not contain it in practice; if it does, it is a delimiter too.
_NUL = "\x00"


def split_tokens(strings: tf.Tensor, column: TextColumn) -> tf.RaggedTensor:
    r"""Splits strings `[N]` into tokens, ragged `[N, tokens]`; an empty string gives no tokens.

    Args:
        strings: UTF-8; when splitting into characters, invalid bytes become the replacement
            character.
        column: Determines how to split, and whether to convert to lower case.

    Raises:
        SpecError: The column's pattern is not valid for TensorFlow (RE2).

    >>> column = TextColumn(key="t", split="regex", pattern=r"[^\w]+", lowercase=True)
    >>> split_tokens(tf.constant(["Well, well!", ""]), column).to_list()
    [[b'well', b'well'], []]
    """
    if column.lowercase:
        strings = tf.strings.lower(strings, encoding="utf-8")
    if column.split == "characters":
        return tf.strings.unicode_split(strings, "UTF-8", errors="replace")
    if column.split == "bytes":
        return tf.strings.bytes_split(strings)
    if column.split == "regex":
        check_pattern(column)
        strings = tf.strings.regex_replace(strings, str(column.pattern), _NUL)
        tokens = tf.strings.split(strings, sep=_NUL)
        return tf.ragged.boolean_mask(tokens, tokens != "")
    return tf.strings.split(strings)


def check_pattern(column: TextColumn) -> None:
    """Raises `SpecError` if RE2 rejects the column's pattern."""
    with tf.init_scope():
        try:
            tf.strings.regex_replace(tf.constant([""]), str(column.pattern), _NUL)
        except tf.errors.InvalidArgumentError as error:
            raise SpecError(
                f"The pattern of '{column.key}' is not a regular expression that TensorFlow supports.",
                expected="RE2 syntax: no look-around, no back-references",
                received=str(column.pattern),
                fix=f"Rewrite it: {error.message.splitlines()[0]:.200}",
            ) from error
