"""What the fused layers of recurrent cells share: masks, directions, and batches split over cores."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import tensorflow as tf

# With fewer rows per shard, the matrices are too narrow to be worth a thread.
_FEWEST_ROWS = 8


class FusedRecurrent(keras.layers.RNN):
    """The part of a fused layer that does not depend on its cell; it comes before the Keras layer in the bases.

    Padding comes after the real steps, so it affects neither their outputs nor their gradients: the cell is computed
    for all steps, and the mask decides which of the results count.
    """

    shards: int
    # Those of the Keras layer.
    units: int
    activation: Any
    recurrent_activation: Any
    use_bias: bool
    dropout: float
    recurrent_dropout: float
    go_backwards: bool
    return_sequences: bool
    zero_output_for_mask: bool

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
        # Keras passes the state of a GRU alone.
        states = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        parts = [sequences, mask, *states]
        if self.shards == 1:
            last, outputs, *found = self._run(*parts)
            return last, outputs, found
        rows = tf.shape(sequences)[0]
        flat = tf.cond(rows >= self.shards * _FEWEST_ROWS, lambda: self._split(rows, parts), lambda: self._run(*parts))
        batch, steps, _ = sequences.shape
        shape = [batch, self.units]
        shapes = [shape, [batch, steps if self.return_sequences else 1, self.units], *[shape] * len(states)]
        last, outputs, *found = (tf.ensure_shape(x, shape) for x, shape in zip(flat, shapes, strict=True))
        return last, outputs, found

    def steps_of(self, x: Any, states: list[Any]) -> tuple[Any, ...]:
        """Each state after each step, `[T, B, D]`, the output first.

        Args:
            x: float32 `[T, B, I]`.
            states: The initial states, float32 `[B, D]`.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shards": self.shards}

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
        done = [self._run(*(x[first:end] for x in parts)) for first, end in itertools.pairwise(ends)]
        return tuple(tf.concat(each, axis=0) for each in zip(*done, strict=True))

    def _run(self, sequences: Any, mask: Any, *states: Any) -> tuple[Any, ...]:
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), axis=1)
        if self.go_backwards:
            sequences = tf.reverse_sequence(sequences, lengths, seq_axis=1, batch_axis=0)
        # The kernels do not support bfloat16, and are slow in float16.
        x, *first = (tf.cast(v, tf.float32) for v in (sequences, *states))
        found = self.steps_of(tf.transpose(x, [1, 0, 2]), first)
        outputs = tf.transpose(found[0], [1, 0, 2])
        lasts = [_at(steps, lengths, state) for steps, state in zip(found, first, strict=True)]
        # For rows without real steps Keras gives zeros, although the state is still the initial one.
        last = tf.where(lengths[:, None] > 0, lasts[0], 0.0)
        # Keras repeats the previous output, which is zero if the padding is read first.
        repeats = not (self.zero_output_for_mask or self.go_backwards)
        outputs = tf.where(mask[:, :, None], outputs, last[:, None] if repeats else 0.0)
        if self.go_backwards:
            # Keras returns outputs in reading order: padding first, then the last real step.
            outputs = tf.reverse(tf.reverse_sequence(outputs, lengths, seq_axis=1, batch_axis=0), [1])
        if not self.return_sequences:
            outputs = last[:, None]
        return last, outputs, *lasts


def as_float32(*weights: Any) -> list[Any]:
    """The values of variables in the type that the fused cells compute in."""
    return [tf.cast(weight, tf.float32) for weight in weights]


def _at(steps: Any, lengths: Any, first: Any) -> Any:
    """Each row's last real step of `[T, B, D]`; `first` `[B, D]` for rows without real steps."""
    rows = tf.range(tf.shape(lengths)[0])
    last = tf.gather_nd(steps, tf.stack([tf.maximum(lengths - 1, 0), rows], axis=1))
    return tf.where(lengths[:, None] > 0, last, first)
