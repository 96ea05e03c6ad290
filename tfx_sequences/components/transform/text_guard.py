"""Requires that the terms of a computed vocabulary are text: other bytes could not be read from its file again."""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, require


def require_text(terms: tf.Tensor, name: str) -> tf.Tensor:
    """The terms, after a check that all are UTF-8.

    Args:
        terms: Strings `[N]`.
        name: The column's transformed name.

    >>> require_text(tf.constant(["a", "è"]), "sequence.x").numpy().tolist()[0]
    b'a'
    """
    is_text = tf.strings.unicode_transcode(terms, "UTF-8", "UTF-8", errors="replace") == terms

    def received() -> list[tuple[str, tf.Tensor]]:
        wrong = tf.boolean_mask(terms, tf.logical_not(is_text))
        return [("bytes", tf.strings.length(wrong)), ("that begin with", tf.strings.substr(wrong, 0, 8))]

    check = require(
        tf.reduce_all(is_text),
        f"The column '{name}' contains bytes that are not text.",
        expected="terms in UTF-8",
        received=received,
        fix="Set an encoding for the column if the bytes are numbers, remove the column, or write text.",
    )
    return after(check, terms)
