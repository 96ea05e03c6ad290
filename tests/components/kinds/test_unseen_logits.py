"""The logit of the class that stands for unseen ones."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_sequences.components.kinds.unseen_logits import UnseenLogits


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(-50, 50), min_size=4, max_size=4), min_size=1, max_size=5))
def test_known_classes_keep_their_probabilities_and_the_unseen_one_has_1e_7(rows):
    logits = np.array(rows, np.float64)
    found = tf.nn.log_softmax(tf.cast(UnseenLogits(dtype="float64")(tf.constant(logits)), tf.float64)).numpy()
    known = logits[:, :3] - np.log(np.exp(logits[:, :3] - logits[:, :3].max(1, keepdims=True)).sum(1, keepdims=True))
    known -= logits[:, :3].max(1, keepdims=True)
    np.testing.assert_allclose(found[:, :3], known - math.log1p(1e-7), atol=1e-9)
    np.testing.assert_allclose(found[:, 3], math.log(1e-7) - math.log1p(1e-7), atol=1e-9)


def test_what_is_fixed_has_no_gradient():
    logits = tf.Variable([[0.3, -1.0, 0.5]])
    with tf.GradientTape() as tape:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits([2], UnseenLogits()(logits))
    np.testing.assert_allclose(tape.gradient(loss, logits), 0, atol=1e-6)
