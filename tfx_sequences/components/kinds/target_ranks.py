"""Figures of the rank of the target among all classes: top-k accuracy, recall, NDCG and the mean reciprocal rank.

With one relevant class, recall at k and top-k accuracy are the share of targets among the k most likely classes, and
NDCG at k is the mean of `1 / log2(1 + rank)` of the targets among them (Järvelin, Kekäläinen: Cumulated gain-based
evaluation of IR techniques, 2002). A class as likely as the target ranks before it, so a model that gives the same
score to all classes does not gain by that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.kinds.measures import WeightedMeans
from tfx_sequences.schemas.kinds.losses_and_measures import number_in

_OfRank = Callable[[tf.Tensor], tf.Tensor]


class TargetRanks(WeightedMeans):
    """Means over all targets of functions of the target's rank.

    Args:
        names: Any of `mrr`, and `top_K_accuracy`, `recall@K`, `ndcg@K` with numbers in place of K.
        per_step: Whether targets belong to steps.

    >>> ranks = TargetRanks(["mrr", "top_2_accuracy", "ndcg@1"], per_step=False)
    >>> sums = ranks.sums(tf.constant([0, 1]), tf.constant([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), tf.ones(2))
    >>> {name: float(value) for name, value in ranks.figures(tf.reduce_sum(sums, 0)).items()}
    {'mrr': 0.75, 'top_2_accuracy': 1.0, 'ndcg@1': 0.5}
    """

    def __init__(self, names: Sequence[str], *, per_step: bool) -> None:
        values = functools.partial(_values, [_of_rank(name) for name in names])
        super().__init__(names, values, per_step=per_step)


def ranks(targets: Any, logits: tf.Tensor) -> tf.Tensor:
    """The rank of each target among the classes, from 1 on, float32 `[...]`, from indices and logits `[..., C]`."""
    own = tf.gather(logits, tf.cast(targets, tf.int64), axis=-1, batch_dims=logits.shape.rank - 1)
    return tf.reduce_sum(tf.cast(logits >= own[..., None], tf.float32), axis=-1)


def _values(of_ranks: Sequence[_OfRank], targets: Any, logits: tf.Tensor) -> list[tf.Tensor]:
    rank = ranks(targets, logits)
    return [of_rank(rank) for of_rank in of_ranks]


def _of_rank(name: str) -> _OfRank:
    for pattern in ("top_K_accuracy", "recall@K", "ndcg@K"):
        most = number_in(name, pattern)
        if most is not None:
            return functools.partial(_gain if pattern == "ndcg@K" else _found, most=most)
    return _reciprocal


def _reciprocal(rank: tf.Tensor) -> tf.Tensor:
    return 1.0 / rank


def _found(rank: tf.Tensor, most: int) -> tf.Tensor:
    return tf.cast(rank <= most, tf.float32)


def _gain(rank: tf.Tensor, most: int) -> tf.Tensor:
    return tf.where(rank <= most, tf.math.log(2.0) / tf.math.log(1.0 + rank), 0.0)
