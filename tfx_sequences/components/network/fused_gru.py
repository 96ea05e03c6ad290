"""A GRU for CPUs: one short loop forward and one backward, everything else in matrices of all steps.

TensorFlow has no kernel of this cell for whole sequences. The gradient of Keras' loop keeps some twenty stacks of
intermediate values, and works one step at a time on each. Here, only the recurrence itself is a loop: forward it keeps
the states alone, and the gradient computes the gates of all steps again, at once, from these.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.network.fused_recurrent import FusedRecurrent, as_float32


@keras.saving.register_keras_serializable("tfx_sequences")
class FusedGRU(FusedRecurrent, keras.layers.GRU):
    """`keras.layers.GRU` with a gradient of its own over whole sequences: the same weights, the same outputs.

    Keras' own loop handles the rest: other activations, dropout within the cell, no bias, `reset_after=False`.
    Gradients of gradients are not supported.

    Args:
        units: Depth `D` of the outputs.
        shards: Number of parts of the batch that are computed in parallel.
        **kwargs: Arguments of `keras.layers.GRU`; masks must have the real steps first.

    >>> import keras, numpy as np
    >>> fused, plain = FusedGRU(2), keras.layers.GRU(2, use_cudnn=False)
    >>> x, mask = np.ones((20, 3, 4), "float32"), np.arange(3) < np.arange(20)[:, None] % 4
    >>> fused.build(x.shape), plain.build(x.shape), plain.set_weights(fused.get_weights())
    (None, None, None)
    >>> bool(np.allclose(fused(x, mask=mask), plain(x, mask=mask), atol=1e-6))
    True
    """

    def _is_fusable(self, training: bool) -> bool:
        return super()._is_fusable(training) and self.reset_after

    def steps_of(self, x: Any, states: list[Any]) -> tuple[Any, ...]:
        kernel, recurrent, bias = as_float32(self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        inputs = tf.tensordot(x, kernel, 1) + bias[0]
        return (_gru(inputs, states[0], recurrent, bias[1]),)


@tf.custom_gradient
def _gru(inputs: Any, first: Any, recurrent: Any, bias: Any) -> Any:
    """States `[T, B, D]` after each step, from what the inputs give to the gates `[T, B, 3D]`: update, reset, new."""
    steps, units = tf.shape(inputs)[0], recurrent.shape[0]
    states = tf.TensorArray(tf.float32, steps, element_shape=first.shape)

    def forward(step: Any, h: Any, states: Any) -> Any:
        update, _, new, _ = _gates(tf.gather(inputs, step), tf.nn.bias_add(tf.matmul(h, recurrent), bias))
        h = new + update * (h - new)
        return step + 1, h, states.write(step, h)

    *_, states = tf.while_loop(lambda step, *_: step < steps, forward, (0, first, states))
    after = tf.ensure_shape(states.stack(), [inputs.shape[0], first.shape[0], units])

    def gradient(of_states: Any) -> Any:
        before = tf.concat([first[None], after[:-1]], axis=0)
        flat_before = tf.reshape(before, [-1, units])
        old = tf.nn.bias_add(tf.matmul(flat_before, recurrent), bias)
        update, reset, new, of_reset = _gates(inputs, tf.reshape(old, tf.shape(inputs)))
        # What one unit of a state's gradient gives to each gate's, before its activation.
        to_update = (before - new) * update * (1.0 - update)
        to_new = (1.0 - update) * (1.0 - new * new)
        to_reset = to_new * of_reset * reset * (1.0 - reset)
        factors = tf.concat([to_update, to_reset, to_new * reset], axis=-1)
        grads = tf.TensorArray(tf.float32, steps, element_shape=first.shape)

        def backward(step: Any, grad: Any, grads: Any) -> Any:
            grad += tf.gather(of_states, step)
            grads = grads.write(step, grad)
            of_gates = tf.tile(grad, [1, 3]) * tf.gather(factors, step)
            grad = tf.matmul(of_gates, recurrent, transpose_b=True) + grad * tf.gather(update, step)
            return step - 1, grad, grads

        start = (steps - 1, tf.zeros_like(first), grads)
        _, to_first, grads = tf.while_loop(lambda step, *_: step >= 0, backward, start)
        of_steps = grads.stack()
        of_gates = tf.tile(of_steps, [1, 1, 3]) * factors
        flat = tf.reshape(of_gates, [-1, 3 * units])
        to_inputs = tf.concat([of_gates[..., : 2 * units], of_steps * to_new], axis=-1)
        to_recurrent = tf.matmul(flat_before, flat, transpose_a=True)
        return to_inputs, to_first, to_recurrent, tf.reduce_sum(flat, axis=0)

    return after, gradient


def _gates(inputs: Any, old: Any) -> tuple[Any, Any, Any, Any]:
    """Update and reset gates, the new state that is proposed, and what the old one gives to it, `[..., D]` each."""
    units = inputs.shape[-1] // 3
    from_inputs, new_inputs = tf.split(inputs, [2 * units, units], axis=-1)
    from_old, of_reset = tf.split(old, [2 * units, units], axis=-1)
    update, reset = tf.split(tf.sigmoid(from_inputs + from_old), 2, axis=-1)
    return update, reset, tf.tanh(new_inputs + reset * of_reset), of_reset
