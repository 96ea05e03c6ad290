"""Datasets without tf.data's autotuning.

A pipeline with Python at its source stalls under autotuning: its threads wait, up to seconds,
until the tuner's own clock ticks (TensorFlow 2.16, measured). So what autotuning would choose is
chosen here.
"""

from __future__ import annotations

import tensorflow as tf

from tfx_sequences.compat import cores

_MOST_CALLS = 8


def parallel_calls() -> int:
    """How many calls of a dataset's function run at a time: one per core, eight at most."""
    return min(cores(), _MOST_CALLS)


def untuned(dataset: tf.data.Dataset, *, rewritten: bool = True) -> tf.data.Dataset:
    """The dataset, not autotuned.

    Args:
        dataset: Any.
        rewritten: False also leaves out rewriting its graph, which costs more than opening a file.

    >>> [int(x) for x in untuned(tf.data.Dataset.range(3))]
    [0, 1, 2]
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = rewritten
    return dataset.with_options(options)
