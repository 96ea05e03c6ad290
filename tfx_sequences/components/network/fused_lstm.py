"""An LSTM for CPUs: TensorFlow's fused kernel in place of a loop of small ops."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import tensorflow as tf

# With fewer rows per shard, the kernel's matrices are too narrow to be worth a thread.
_FEWEST_ROWS = 8


@keras.saving.register_keras_serializable("tfx_sequences")
class FusedLSTM(keras.layers.LSTM):
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

    def __init__(self, units: int, *, shards: int = 1, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.shards = shards
        self.supports_jit = False

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Last output `[B, D]`, outputs `[B, T, D]` and states as `keras.layers.RNN` expects them."""
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        if not self._is_fusable(training):
            return keras.layers.RNN.inner_loop(self, sequences, initial_state, mask, training)
        if mask is None:
            mask = tf.ones(tf.shape(sequences)[:2], tf.bool)
        parts = [sequences, mask, *initial_state]
        if self.shards == 1:
            return self._run(*parts)
        rows = tf.shape(sequences)[0]
        flat = tf.cond(
            rows >= self.shards * _FEWEST_ROWS,
            lambda: self._split(rows, parts),
            lambda: _flat(self._run(*parts)),
        )
        batch, steps, _ = sequences.shape
        shapes = [[batch, self.units], [batch, steps if self.return_sequences else 1, self.units]]
        last, outputs, h, c = (
            tf.ensure_shape(x, shape) for x, shape in zip(flat, [*shapes, shapes[0], shapes[0]], strict=True)
        )
        return last, outputs, [h, c]

    def _is_fusable(self, training: bool) -> bool:
        return (
            self.activation is keras.activations.tanh
            and self.recurrent_activation is keras.activations.sigmoid
            and self.use_bias
            and not (training and (self.dropout or self.recurrent_dropout))
        )

    def _split(self, rows: Any, parts: list[Any]) -> tuple[Any, ...]:
        """The concatenated results of the shards, which TensorFlow runs in parallel, as they are independent."""
        ends = [rows * index // self.shards for index in range(self.shards + 1)]
        done = [_flat(self._run(*(x[first:end] for x in parts))) for first, end in itertools.pairwise(ends)]
        return tuple(tf.concat(each, axis=0) for each in zip(*done, strict=True))

    def _run(self, sequences: Any, mask: Any, h: Any, c: Any) -> tuple[Any, Any, list[Any]]:
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        if self.go_backwards:
            sequences = tf.reverse_sequence(sequences, lengths, seq_axis=1, batch_axis=0)
        # The kernel does not support bfloat16, and is slow in float16.
        x, h, c, kernel, recurrent, bias = (
            tf.cast(v, tf.float32)
            for v in (sequences, h, c, self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        )
        h_steps, c_steps = _block_lstm(tf.transpose(x, [1, 0, 2]), c, h, tf.concat([kernel, recurrent], axis=0), bias)
        # Padding comes after the real steps, so it affects neither their outputs nor their gradients.
        outputs = tf.transpose(h_steps, [1, 0, 2])
        last_h, last_c = (_at(x, lengths, first) for x, first in ((h_steps, h), (c_steps, c)))
        # For rows without real steps Keras gives zeros, although the state is still the initial one.
        last = tf.where(lengths[:, None] > 0, last_h, 0.0)
        # Keras repeats the previous output, which is zero if the padding is read first.
        repeats = not (self.zero_output_for_mask or self.go_backwards)
        outputs = tf.where(mask[:, :, None], outputs, last[:, None] if repeats else 0.0)
        if self.go_backwards:
            # Keras returns outputs in reading order: padding first, then the last real step.
            outputs = tf.reverse(tf.reverse_sequence(outputs, lengths, seq_axis=1, batch_axis=0), [1])
        if not self.return_sequences:
            outputs = last[:, None]
        return last, outputs, [last_h, last_c]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shards": self.shards}


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


def _flat(results: tuple[Any, Any, list[Any]]) -> tuple[Any, ...]:
    last, outputs, states = results
    return (last, outputs, *states)


def _at(steps: Any, lengths: Any, first: Any) -> Any:
    """Each row's last real step of `[T, B, D]`; `first` `[B, D]` for rows without real steps."""
    rows = tf.range(tf.shape(lengths)[0])
    last = tf.gather_nd(steps, tf.stack([tf.maximum(lengths - 1, 0), rows], axis=1))
    return tf.where(lengths[:, None] > 0, last, first)
