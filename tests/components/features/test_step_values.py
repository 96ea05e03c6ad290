import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.features.step_values import Dense, Ragged, Sparse, step_values
from tfx_sequences.errors import UserInputError

ROWS = [[5, 6], [], [7, 8, 9]]
INNER = [[[1], [2, 3]], [], [[], [4], [5]]]


def sparse(rows):
    return tf.ragged.constant(rows, dtype=tf.int64).to_sparse()


def ragged(rows):
    return tf.ragged.constant(rows, dtype=tf.int64)


@pytest.mark.parametrize("make", [sparse, ragged])
def test_lengths_steps_and_cells_of_scalars(make):
    form = step_values(make(ROWS), "x", None, is_sequence=True)
    np.testing.assert_array_equal(form.lengths(), [2, 0, 3])
    assert (int(form.steps()), int(form.batch()), form.has_one_value_per_step) == (3, 3, True)
    values, cells = form.flat(4)
    np.testing.assert_array_equal(values, [5, 6, 7, 8, 9])
    np.testing.assert_array_equal(cells, [0, 1, 8, 9, 10])
    np.testing.assert_array_equal(form.grid(values + 1, 4, -1), [[6, 7, -1, -1], [-1] * 4, [8, 9, 10, -1]])


@pytest.mark.parametrize("make", [sparse, ragged])
def test_lengths_steps_and_cells_of_several_values(make):
    form = step_values(make(INNER), "x", None, is_sequence=True)
    np.testing.assert_array_equal(form.lengths(), [2, 0, 3])
    values, cells = form.flat(3)
    np.testing.assert_array_equal(values, [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(cells, [0, 1, 1, 7, 8])
    assert not form.has_one_value_per_step


@pytest.mark.parametrize("rows", [[], [[]], [[], []], [[], [1]], [[1], []]], ids=str)
def test_empty_rows_and_batches(rows):
    given = tf.ragged.constant(rows, ragged_rank=1, dtype=tf.int64)
    for value in (given, given.to_sparse()):
        form = step_values(value, "x", None, is_sequence=True)
        np.testing.assert_array_equal(form.lengths(), [len(row) for row in rows])


def numbers(rows, size):
    """The same numbers as flat and nested, ragged and sparse, of `size` per step."""
    nested = tf.ragged.constant(rows, dtype=tf.float32, ragged_rank=1, inner_shape=(size,))
    flat = tf.ragged.constant([[x for step in row for x in step] for row in rows], dtype=tf.float32)
    inner = tf.ragged.constant(rows, dtype=tf.float32, ragged_rank=2)
    return {
        "uniform": nested,
        "flat ragged": flat,
        "flat sparse": flat.to_sparse(),
        "ragged": inner,
        "sparse": inner.to_sparse(),
    }


@pytest.mark.parametrize("form", ["uniform", "flat ragged", "flat sparse", "ragged", "sparse"])
def test_arrays_reach_one_grid_in_every_form(form):
    rows = [[[1.0, 2.0], [3.0, 4.0]], [], [[5.0, 6.0]]]
    values = step_values(numbers(rows, 2)[form], "x", 2, is_sequence=True)
    np.testing.assert_array_equal(values.lengths(), [2, 0, 1])
    expected = [[[1, 2], [3, 4], [0, 0]], [[0, 0]] * 3, [[5, 6], [0, 0], [0, 0]]]
    np.testing.assert_array_equal(values.dense(3, 0.0), expected)
    present = np.array(expected) > 0
    np.testing.assert_array_equal(values.present(3), present)
    filled = np.where(present, expected, 9)
    np.testing.assert_array_equal(values.dense(3, 9.0), filled)


def test_an_array_with_too_few_values_is_filled():
    values = step_values(ragged([[[1], [2, 3]]]), "x", 2, is_sequence=True)
    np.testing.assert_array_equal(values.dense(2, 7), [[[1, 7], [2, 3]]])
    flat = step_values(sparse([[1, 2, 3]]), "x", 2, is_sequence=True)
    np.testing.assert_array_equal(flat.lengths(), [2])
    np.testing.assert_array_equal(flat.dense(2, 7), [[[1, 2], [3, 7]]])


@pytest.mark.parametrize("make", [sparse, ragged])
def test_an_array_with_too_many_values_is_refused(make):
    values = step_values(make(INNER), "x", 1, is_sequence=True)
    with pytest.raises(UserInputError, match=r"'x' has steps with too many values[\s\S]*1 per step[\s\S]*at most 2"):
        values.dense(3, 0)


def test_dense_features_are_padded_and_keep_their_rank():
    dense = step_values(tf.constant([[1, 2]]), "x", None, is_sequence=True)
    assert isinstance(dense, Dense) and dense.lengths() is None and dense.steps() == 2
    np.testing.assert_array_equal(dense.ids(3), [[1, 2, 0]])
    images = tf.reshape(tf.range(8.0), [1, 2, 2, 2])
    np.testing.assert_array_equal(
        step_values(images, "x", 4, is_sequence=True).dense(2, 0.0), [[[0, 1, 2, 3], [4, 5, 6, 7]]]
    )


def test_the_context_is_a_sequence_of_one_step():
    for value, kind in (
        (tf.constant([4, 5]), Dense),
        (ragged([[1, 2], []]), Ragged),
        (sparse([[1, 2], []]), Sparse),
    ):
        form = step_values(value, "x", None, is_sequence=False)
        assert isinstance(form, kind) and int(form.steps()) == 1 and int(form.batch()) == 2
    values, cells = step_values(ragged([[1, 2], [], [3]]), "x", None, is_sequence=False).flat(1)
    np.testing.assert_array_equal(values, [1, 2, 3])
    np.testing.assert_array_equal(cells, [0, 0, 2])


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (tf.constant([1.0, 2.0]), 1),
        (tf.constant([[[1.0, 2.0]]]), 3),
        (tf.zeros([2, 3, 2, 2]), None),
    ],
)
def test_a_wrong_rank_is_named(value, size):
    with pytest.raises(UserInputError, match=r"'x' has a wrong rank[\s\S]*expected: .*\[B, T"):
        form = step_values(value, "x", size, is_sequence=True)
        _ = form.dense(3, 0.0) if size else form.ids(3)
