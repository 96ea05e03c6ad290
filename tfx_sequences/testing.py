"""Checks for tests of your own inputs.

>>> import tensorflow as tf
>>> from tfx_sequences.testing import assert_resumable
>>> assert_resumable(lambda: tf.data.Dataset.range(3))
4
"""

from tfx_sequences.components.input.resume import assert_resumable as assert_resumable
