"""Datasets without tf.data's autotuning.

A pipeline with a Python source stalls under autotuning: its threads wait, up to seconds,
for the tuner's own clock (measured with TensorFlow 2.16). So this module chooses what
autotuning would choose.
"""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.compat import cores

_MOST_CALLS = 8


def parallel_calls() -> int:
    """Number of parallel calls of a dataset's function: one per core, at most eight."""
    return min(cores(), _MOST_CALLS)


def untuned(dataset: tf.data.Dataset, *, rewritten: bool = True) -> tf.data.Dataset:
    """The dataset without autotuning.

    Args:
        dataset: Any dataset.
        rewritten: False also skips rewriting the graph, which costs more than opening a file.

    >>> [int(x) for x in untuned(tf.data.Dataset.range(3))]
    [0, 1, 2]
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = rewritten
    return dataset.with_options(options)
