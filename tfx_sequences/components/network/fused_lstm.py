"""An LSTM for CPUs: TensorFlow's fused kernel in place of a loop of small ops."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.network.fused_recurrent import FusedRecurrent, as_float32


@keras.saving.register_keras_serializable("tfx_sequences")
class FusedLSTM(FusedRecurrent, keras.layers.LSTM):
    """`keras.layers.LSTM` computed by `tf.raw_ops.BlockLSTMV2`: the same weights, the same outputs.

    One op computes all forward steps, and one all backward steps, while Keras needs about ten ops per
    step. An op uses one core, so the rows of a batch are split into `shards` parts.

    Keras' own loop handles what the kernel cannot do: other activations, dropout within the cell, no bias.

    Args:
        units: Depth `D` of the outputs.
        shards: Number of parts of the batch.
        **kwargs: Arguments of `keras.layers.LSTM`; masks must have the real steps first.

    >>> import keras, numpy as np
    >>> fused, plain = FusedLSTM(2, shards=2), keras.layers.LSTM(2, use_cudnn=False)
    >>> x, mask = np.ones((20, 3, 4), "float32"), np.arange(3) < np.arange(20)[:, None] % 4
    >>> fused.build(x.shape), plain.build(x.shape), plain.set_weights(fused.get_weights())
    (None, None, None)
    >>> bool(np.allclose(fused(x, mask=mask), plain(x, mask=mask), atol=1e-6))
    True
    """

    def steps_of(self, x: Any, states: list[Any]) -> tuple[Any, ...]:
        kernel, recurrent, bias = as_float32(self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        h, c = states
        return _block_lstm(x, c, h, tf.concat([kernel, recurrent], axis=0), bias)


@tf.custom_gradient
def _block_lstm(x: Any, c: Any, h: Any, weights: Any, bias: Any) -> Any:
    """States `h` and `c` `[T, B, D]` after each step of `x` `[T, B, I]`.

    TensorFlow registers the gradient of the kernel's first version for the second, whose gates have
    another order. The correct gradient kernel exists, though, and is called here.
    """
    zeros = tf.zeros([bias.shape[0] // 4])
    same = {
        "seq_len_max": tf.cast(tf.shape(x)[0], tf.int64),
        "x": x,
        "cs_prev": c,
        "h_prev": h,
        "w": weights,
        **dict.fromkeys(("wci", "wcf", "wco"), zeros),
        "b": bias,
        "use_peephole": False,
    }
    done = tf.raw_ops.BlockLSTMV2(**same, cell_clip=0.0)

    def gradient(h_grad: Any, c_grad: Any) -> Any:
        outputs = done._asdict()
        back = tf.raw_ops.BlockLSTMGradV2(**same, **outputs, cs_grad=c_grad, h_grad=h_grad)
        return back.x_grad, back.cs_prev_grad, back.h_prev_grad, back.w_grad, back.b_grad

    return (done.h, done.cs), gradient
