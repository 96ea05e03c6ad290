"""Counts spans of IOB (and IOBES) tags, like conlleval and the package seqeval.

A tag is `O`, or `PREFIX-TYPE` with a prefix of `B`, `I`, `E`, `S`. A span begins at `B` and `S`, at any
tag after `O`, after an `E` or `S`, and where the type changes. It ends before the next span begins, before
`O`, and at `E` and `S`. So `I` without a `B` is a span too. Two spans are equal if they have the
same type, first step and last step (Tjong Kim Sang and De Meulder 2003, shared task of CoNLL).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.measures import Sums

_PREFIXES = "OBIES"
_O, _B, _I, _E, _S = range(5)


def is_iob(classes: Sequence[str]) -> bool:
    """Whether the classes are tags of spans.

    >>> is_iob(["O", "B-artist", "I-artist"]), is_iob(["NOUN", "VERB"])
    (True, False)
    """
    return any(c.startswith(("B-", "I-")) for c in classes) and all(c == "O" or c[1:2] == "-" for c in classes)


class SpanCounts(Sums):
    """Numbers of correctly predicted, predicted and true spans: `span_f1`, `span_precision`, `span_recall`.

    Args:
        classes: The tags, in the order of the outputs.
    """

    size = 3
    left_out = frozenset({"span_precision", "span_recall"})

    def __init__(self, classes: Sequence[str]) -> None:
        self._classes = tuple(classes)

    def sums(self, targets: Any, outputs: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        return span_counts(targets, tf.argmax(outputs, axis=-1), weights > 0, self._classes)

    def figures(self, total: tf.Tensor) -> dict[str, tf.Tensor]:
        right, predicted, true = (total[i] for i in range(self.size))
        return {
            "span_f1": tf.math.divide_no_nan(2 * right, predicted + true),
            "span_precision": tf.math.divide_no_nan(right, predicted),
            "span_recall": tf.math.divide_no_nan(right, true),
        }


def span_counts(targets: tf.Tensor, predicted: tf.Tensor, there: tf.Tensor, classes: Sequence[str]) -> tf.Tensor:
    """Numbers of correctly predicted, predicted and true spans of each row.

    Args:
        targets: Class indices `[B, T]`.
        predicted: Class indices `[B, T]`.
        there: Bool `[B, T]`, the real steps; other steps count as `O`.
        classes: The tags.

    Returns:
        Float32 `[B, 3]`.

    >>> tags = ["O", "B-x", "I-x"]
    >>> real = tf.constant([[True, True, True]])
    >>> span_counts(tf.constant([[1, 2, 0]]), tf.constant([[1, 2, 2]]), real, tags).numpy().tolist()
    [[0.0, 1.0, 1.0]]
    """
    kinds = {kind: number for number, kind in enumerate(dict.fromkeys(c[2:] for c in classes))}
    prefixes = tf.constant([max(_PREFIXES.find(c[:1]), 0) if c != "O" else _O for c in classes], tf.int32)
    types = tf.constant([kinds[c[2:]] for c in classes], tf.int32)

    def spans(ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        prefix = tf.where(there, tf.gather(prefixes, ids), _O)
        kind = tf.gather(types, ids)
        before, kind_before = (tf.pad(x[:, :-1], [[0, 0], [1, 0]]) for x in (prefix, kind))
        inside = prefix != _O
        fresh = (before == _O) | (before == _E) | (before == _S) | (kind != kind_before)
        begins = inside & (fresh | (prefix == _B) | (prefix == _S))
        after_begins, after_inside = (tf.pad(x[:, 1:], [[0, 0], [0, 1]]) for x in (begins, inside))
        ends = inside & (after_begins | ~after_inside | (prefix == _E) | (prefix == _S))
        # Each step's span begins at the last beginning up to it; the first tag after O begins a span.
        flat = tf.reshape(begins, [-1])
        positions = tf.where(flat)[:, 0]
        latest = tf.cumsum(tf.cast(flat, tf.int64)) - 1
        began = tf.gather(tf.concat([positions, [-1]], 0), tf.where(latest < 0, tf.size(positions, tf.int64), latest))
        return ends, kind, tf.reshape(began, tf.shape(ids))

    true_ends, true_kind, true_began = spans(targets)
    ends, kind, began = spans(predicted)
    right = true_ends & ends & (true_kind == kind) & (true_began == began)
    return tf.stack([tf.reduce_sum(tf.cast(x, tf.float32), axis=1) for x in (right, ends, true_ends)], axis=1)
