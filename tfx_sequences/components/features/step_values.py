"""One feature of a batch in any form: padded dense, ragged or sparse.

Each form has the same methods, in terms of a padded grid of `B * T` cells, in which cell
`b * T + t` is step `t` of row `b`:

    lengths()        [B] int64, steps of each row; None if only the caller knows them
    steps()          the smallest `T` that the feature needs
    dense(T, ...)    its numbers, [B, T, size]
    flat(T)          all its values, [N], and the cell of each, [N], ascending

A context feature is a sequence with one step.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import after, require
from tfx_sequences.errors import UserInputError


def step_values(value: Any, key: str, size: int | None, *, is_sequence: bool) -> Dense | Ragged | Sparse:
    """Wraps the feature `value` in the class for its form.

    Args:
        value: `tf.SparseTensor`, `tf.RaggedTensor`, tensor or array; `[B, T]`, or with
            further dimensions for the values of a step. For context, without `T`.
        key: The feature's key, for messages.
        size: Number of numbers per step; None for terms and ids, of which a step can have any number.
        is_sequence: False for a context feature.

    Raises:
        UserInputError: The rank is not valid for a feature.
    """
    rank = value.shape.rank
    least = 2 if is_sequence else 1
    if rank is None or rank < least:
        letters = "[B, T, ...]" if is_sequence else "[B, ...]"
        raise UserInputError(
            f"Feature '{key}' has a wrong rank.",
            expected=letters,
            received=f"shape {value.shape}",
            fix="The first dimension is the rows of the batch" + (", the second the steps." if is_sequence else "."),
        )
    if isinstance(value, tf.SparseTensor):
        return Sparse(value if is_sequence else tf.sparse.expand_dims(value, 1), key, size)
    if isinstance(value, tf.RaggedTensor):
        value = value if is_sequence else tf.RaggedTensor.from_uniform_row_length(value, 1)
        return Ragged(value.with_row_splits_dtype(tf.int64), key, size)
    return Dense(value if is_sequence else tf.expand_dims(value, 1), key, size)


def as_tensor(value: Any, name: str) -> Any:
    """A feature's value as a tensor, dense, ragged, sparse or symbolic; raises `UserInputError` if it is not one."""
    if isinstance(value, keras.KerasTensor | tf.SparseTensor | tf.RaggedTensor) or tf.is_tensor(value):
        return value
    try:
        return tf.convert_to_tensor(value)
    except (TypeError, ValueError) as error:
        raise UserInputError(
            f"Feature '{name}' is not a tensor: {error}",
            expected="a tensor, array, RaggedTensor or SparseTensor",
            received=type(value).__name__,
            fix="For rows of different lengths use tf.ragged.constant.",
        ) from error


class Dense:
    """Padded on the right: `[B, T]` or `[B, T, ...]`. The caller knows the lengths."""

    others: tuple[Any, ...] = ()
    """The features that belong to this one, such as its weights, in their forms."""

    def __init__(self, values: tf.Tensor, key: str, size: int | None) -> None:
        self._values = values
        self.key = self._key = key
        self._size = size

    def lengths(self) -> None:
        return None

    def steps(self) -> Any:
        return self._values.shape[1] if self._values.shape[1] is not None else tf.shape(self._values)[1]

    def batch(self) -> Any:
        return tf.shape(self._values)[0]

    def ids(self, steps: Any) -> tf.Tensor:
        """The unchanged values, `[B, T]` or `[B, T, V]`."""
        values = self._values
        if values.shape.rank > 3:
            raise _wrong_rank(self._key, "[B, T] or [B, T, V]", values)
        return _padded(values, steps)

    def dense(self, steps: Any, fill: float) -> tf.Tensor:
        values, size = self._values, self._size
        if values.shape.rank == 2:
            values = values[:, :, None]
        inner = values.shape[2:]
        if not inner.is_fully_defined():
            values = tf.ensure_shape(values, [None, None, size]) if inner.rank == 1 else values
        elif inner.num_elements() != size:
            raise _wrong_rank(self._key, _expected(size), self._values)
        if values.shape.rank > 3:
            values = tf.reshape(values, tf.concat([tf.shape(values)[:2], [size]], 0))
        return _padded(values, steps)

    def present(self, steps: Any) -> None:
        return None


class _Listed:
    """The base of ragged and sparse features, which contain only values that are present."""

    others: tuple[Any, ...] = ()

    def __init__(self, values: Any, key: str, size: int | None) -> None:
        self._values = values
        self.key = self._key = key
        self._size = size
        # The numbers of all steps in one list.
        self._is_flat = values.shape.rank == 2 and (size or 1) > 1

    @property
    def has_one_value_per_step(self) -> bool:
        return self._values.shape.rank == 2


class Ragged(_Listed):
    """`[B, T]` or `[B, T, V]`; numbers also flat, `[B, T * size]`."""

    def lengths(self) -> tf.Tensor:
        lengths = self._values.row_lengths()
        return _in_steps(lengths, self._size) if self._is_flat else lengths

    def steps(self) -> Any:
        lengths = self.lengths()
        return tf.cast(tf.reduce_max(tf.concat([lengths, [0]], 0)), tf.int32)

    def batch(self) -> Any:
        return tf.cast(self._values.nrows(), tf.int32)

    def dense(self, steps: Any, fill: float) -> tf.Tensor:
        return self._dense(self._values, steps, tf.cast(fill, self._values.dtype))

    def present(self, steps: Any) -> tf.Tensor:
        there = self._values.with_flat_values(tf.ones_like(self._values.flat_values, tf.bool))
        return self._dense(there, steps, tf.constant(False))

    def _dense(self, ragged: tf.RaggedTensor, steps: Any, fill: tf.Tensor) -> tf.Tensor:
        size = int(self._size or 1)
        if self._is_flat or ragged.shape.rank == 2:
            return _to_tensor(ragged, [self.batch(), steps * size], fill, [self.batch(), steps, size])
        if ragged.shape.rank > 3:
            dense = ragged.to_tensor(fill)
            if dense.shape[2:].num_elements() not in (size, None):
                raise _wrong_rank(self._key, _expected(size), ragged)
            return _padded(tf.reshape(dense, [tf.shape(dense)[0], tf.shape(dense)[1], size]), steps)
        inner = ragged.values
        if isinstance(inner, tf.RaggedTensor):
            counts = inner.row_lengths()
            fits = _check_counts(self._key, size, tf.reduce_all(counts <= size), counts)
            ragged = ragged.with_flat_values(after(fits, ragged.flat_values))
        elif inner.shape[1] != size:
            raise _wrong_rank(self._key, _expected(size), ragged)
        return _to_tensor(ragged, [self.batch(), steps, size], fill, [self.batch(), steps, size])

    def grid(self, values: tf.Tensor, steps: Any, fill: int) -> tf.Tensor:
        """A grid `[B, T]` of other values, one for each value of `flat`; only for one value per step."""
        grid = self._values.with_flat_values(values)
        return _to_tensor(grid, [self.batch(), steps], tf.constant(fill, values.dtype), [self.batch(), steps])

    def flat(self, steps: Any) -> tuple[tf.Tensor, tf.Tensor]:
        ragged = self._values
        starts = ragged.row_starts()
        rows = tf.range(ragged.nrows()) * tf.cast(steps, tf.int64)
        cells = tf.range(
            tf.shape(ragged.values, tf.int64)[0] if not _is_ragged(ragged.values) else ragged.values.nrows()
        )
        cells += tf.gather(rows - starts, ragged.value_rowids())
        inner = ragged.values
        if ragged.shape.rank > 3 or (_is_ragged(inner) and inner.shape.rank > 2):
            raise _wrong_rank(self._key, "[B, T] or [B, T, V]", ragged)
        if _is_ragged(inner):
            return inner.flat_values, tf.gather(cells, inner.value_rowids())
        if inner.shape.rank == 2:
            return tf.reshape(inner, [-1]), tf.repeat(cells, tf.shape(inner)[1])
        return inner, cells


class Sparse(_Listed):
    """`[B, T]` or `[B, T, V]`, indices in row order; a step without values is missing. Numbers also flat."""

    def lengths(self) -> tf.Tensor:
        # Indices are in row order, so a row's last one has its greatest step, which is cheaper to find than a maximum.
        # This is the op of `tf.searchsorted`, because that function cannot search an empty tensor.
        indices, rows = self._values.indices, self._values.dense_shape[0]
        ends = tf.raw_ops.UpperBound(sorted_inputs=indices[None, :, 0], values=tf.range(rows)[None], out_type=tf.int64)[
            0
        ]
        filled = tf.where(ends > tf.pad(ends[:-1], [[1, 0]]))
        last = tf.gather(indices, tf.gather_nd(ends, filled) - 1)
        lengths = tf.scatter_nd(filled, last[:, 1] + 1, rows[None])
        return _in_steps(lengths, self._size) if self._is_flat else lengths

    def steps(self) -> Any:
        width = self._values.dense_shape[1]
        return tf.cast(_in_steps(width, self._size) if self._is_flat else width, tf.int32)

    def batch(self) -> Any:
        return tf.cast(self._values.dense_shape[0], tf.int32)

    def dense(self, steps: Any, fill: float) -> tf.Tensor:
        return self._dense(self._values.values, steps, tf.cast(fill, self._values.dtype))

    def present(self, steps: Any) -> tf.Tensor:
        return self._dense(tf.ones_like(self._values.values, tf.bool), steps, tf.constant(False))

    def _dense(self, values: tf.Tensor, steps: Any, fill: tf.Tensor) -> tf.Tensor:
        size, sparse = int(self._size or 1), self._values
        rank = sparse.shape.rank
        rows, length = sparse.dense_shape[0], tf.cast(steps, tf.int64)
        if rank == 2:
            dense = tf.sparse.to_dense(
                tf.SparseTensor(sparse.indices, values, tf.stack([rows, length * size if size > 1 else length])), fill
            )
            return dense[:, :, None] if size == 1 else tf.reshape(dense, [self.batch(), steps, size])
        if rank > 3:
            inner = tf.reduce_prod(sparse.dense_shape[2:])
            sparse = tf.sparse.reshape(sparse, tf.stack([*tf.unstack(sparse.dense_shape[:2], 2), inner]))
        at = sparse.indices[:, 2]
        values = after(_check_counts(self._key, size, tf.reduce_all(at < size), at + 1), values)
        shape = tf.stack([rows, length, tf.constant(size, tf.int64)])
        dense = tf.sparse.to_dense(tf.SparseTensor(sparse.indices, values, shape), fill)
        return tf.ensure_shape(dense, [None, None, size])

    def grid(self, values: tf.Tensor, steps: Any, fill: int) -> tf.Tensor:
        """A grid `[B, T]` of other values, one for each value of `flat`; only for one value per step."""
        shape = tf.stack([self._values.dense_shape[0], tf.cast(steps, tf.int64)])
        return tf.sparse.to_dense(tf.SparseTensor(self._values.indices, values, shape), tf.constant(fill, values.dtype))

    def flat(self, steps: Any) -> tuple[tf.Tensor, tf.Tensor]:
        indices = self._values.indices
        return self._values.values, indices[:, 0] * tf.cast(steps, tf.int64) + indices[:, 1]


def _in_steps(counts: Any, size: int | None) -> Any:
    """The number of steps for this number of values; an incomplete last step counts, like upstream."""
    return -(-counts // int(size or 1))


def _padded(values: tf.Tensor, steps: Any) -> tf.Tensor:
    """`[B, t, ...]`, padded with zeros to `steps` steps."""
    if values.shape[1] is not None and values.shape[1] is steps:
        return values
    static = steps if isinstance(steps, int) else None
    if values.shape[1] is not None and values.shape[1] == static:
        return values
    missing = steps - tf.shape(values)[1]
    return tf.pad(values, [[0, 0], [0, missing], *([[0, 0]] * (values.shape.rank - 2))])


def _to_tensor(ragged: tf.RaggedTensor, shape: list[Any], fill: tf.Tensor, target: list[Any]) -> tf.Tensor:
    # Graphs reject a list that contains tensors, but not a stacked one.
    dense = ragged.to_tensor(fill, shape=tf.cast(tf.stack(shape), tf.int64))
    return tf.reshape(dense, tf.stack(target))


def _is_ragged(value: Any) -> bool:
    return isinstance(value, tf.RaggedTensor)


def _check_counts(key: str, size: int, right: tf.Tensor, counts: tf.Tensor) -> tf.Operation | None:
    return require(
        right,
        f"Feature '{key}' has steps with too many values.",
        expected=f"{size} per step",
        received=lambda: [("at most", tf.reduce_max(counts))],
        fix="Correct the column's shape, or the records.",
    )


def _expected(size: int | None) -> str:
    return "one number per step, [B, T]" if size == 1 else f"{size} numbers per step, [B, T, {size}]"


def _wrong_rank(key: str, expected: str, value: Any) -> UserInputError:
    return UserInputError(
        f"Feature '{key}' has a wrong rank.", expected=expected, received=f"shape {tuple(value.shape)}"
    )
