import os

import tensorflow as tf

from tfx_sequences.components.input.untuned import parallel_calls, untuned


def test_elements_stay_and_the_tuner_is_off():
    dataset = untuned(tf.data.Dataset.range(5).map(lambda x: x * 2), rewritten=False)
    assert [int(x) for x in dataset] == [0, 2, 4, 6, 8]
    assert dataset.options().autotune.enabled is False
    assert dataset.options().experimental_optimization.apply_default_optimizations is False


def test_calls_are_as_many_as_cores_within_bounds():
    assert 1 <= parallel_calls() <= min(os.cpu_count(), 8)
