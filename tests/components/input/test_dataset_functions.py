import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.input.dataset_functions import flat_mapped, mapped, taken_while


def _elements(dataset):
    return [tf.nest.map_structure(lambda x: np.asarray(x).tolist(), element) for element in dataset.as_numpy_iterator()]


def _dataset():
    numbers = np.arange(12, dtype=np.int64)
    return tf.data.Dataset.from_tensor_slices({"x": numbers, "y": numbers.astype(np.float32)}).batch(5)


def _function(features):
    return {**features, "rows": tf.size(features["x"])}, (features["y"] * 2, tf.constant("a"))


@pytest.mark.parametrize("calls", [1, 3])
def test_map_is_that_of_the_dataset(calls):
    ours, theirs = mapped(_dataset(), _function, num_parallel_calls=calls), _dataset().map(_function)
    assert ours.element_spec == theirs.element_spec
    assert _elements(ours) == _elements(theirs)
    assert ours.cardinality() == theirs.cardinality()


def test_flat_map_and_take_while_are_those_of_the_dataset():
    def function(x, y):
        return tf.data.Dataset.range(x).map(lambda n: (n + y, x))

    pairs = tf.data.Dataset.from_tensor_slices((tf.range(4, dtype=tf.int64), tf.range(4, dtype=tf.int64) * 100))
    ours, theirs = flat_mapped(pairs, function), pairs.flat_map(function)
    assert ours.element_spec == theirs.element_spec
    assert _elements(ours) == _elements(theirs)
    assert _elements(taken_while(ours, lambda n, _: n < 201)) == _elements(theirs.take_while(lambda n, _: n < 201))


def test_functions_use_what_is_around_them():
    variable = tf.Variable(10, dtype=tf.int64)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["0", "1"], [5, 6]), -1)

    def inner(x):
        # `x` is of the graph around this one.
        return mapped(tf.data.Dataset.range(2), lambda n: n + x + variable + tf.cast(table[tf.as_string(n)], tf.int64))

    dataset = flat_mapped(tf.data.Dataset.range(2), inner)
    del inner
    gc.collect()
    assert _elements(dataset) == [15, 17, 16, 18]
    variable.assign(0)
    assert _elements(dataset.batch(4)) == [[5, 7, 6, 8]]


def test_random_numbers_of_a_seed_and_python_are_called_anew():
    calls = []

    def noted(x):
        calls.append(int(x))
        return x

    dataset = mapped(tf.data.Dataset.range(3), lambda x: tf.numpy_function(noted, [x], tf.int64), num_parallel_calls=2)
    assert [int(x) for x in dataset] == [0, 1, 2]
    assert [int(x) for x in dataset] == [0, 1, 2]
    assert sorted(calls) == [0, 0, 1, 1, 2, 2]


def test_what_the_functions_use_goes_with_the_dataset():
    class Owner:
        def __init__(self):
            doubled = mapped(tf.data.Dataset.range(2), self.call)
            self.dataset = flat_mapped(doubled, lambda x: tf.data.Dataset.range(self.call(x) // 2))

        def call(self, x):
            return x * 2

    owner = Owner()
    gone = weakref.ref(owner)
    assert [int(x) for x in owner.dataset] == [0, 1]
    del owner
    gc.collect()
    assert gone() is None


def test_an_error_within_reaches_who_iterates():
    def function(x):
        with tf.control_dependencies([tf.debugging.assert_less(x, tf.constant(2, tf.int64), "too large")]):
            return x + 0

    taken = iter(mapped(tf.data.Dataset.range(5), function, num_parallel_calls=2))
    assert [int(next(taken)), int(next(taken))] == [0, 1]
    with pytest.raises(tf.errors.InvalidArgumentError, match="too large"):
        next(taken)


def test_functions_are_marked_as_of_one_device():
    dataset = taken_while(mapped(tf.data.Dataset.range(1), lambda x: x + 1), lambda x: x < 1)
    dataset = flat_mapped(dataset, tf.data.Dataset.range)
    graph = tf.raw_ops.DatasetToGraphV2(input_dataset=tf.data.experimental.to_variant(dataset))
    functions = tf.compat.v1.GraphDef.FromString(graph.numpy()).library.function
    assert len(functions) == 3
    assert all(function.attr["experimental_ints_on_device"].b for function in functions)
