"""The inputs of a network, and the features that it starts from."""

import keras
import numpy as np
import pytest

from tfx_sequences.components.network.network_inputs import Network, network_inputs
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUMBER = {"type": "numeric", "normalizer": "none"}
STATISTICS = TaskStatistics({"sequence.token": 6, "context.tags": 4})


def spec_of(**parts):
    return SequenceSpec(
        **{
            "name": "s",
            "context": {"age": NUMBER, "tags": {"type": "categorical", "multi_valued": True, "indicator": True}},
            "sequence": {"x": {**NUMBER, "shape": (2,)}, "token": {"type": "categorical", "indicator": True}},
            "label": {"key": "y"},
            **parts,
        }
    )


BATCH = {
    "sequence.x": np.arange(12, dtype="float32").reshape(2, 3, 2),
    "sequence.token": np.array([[5, 0, 1], [2, 3, 4]]),
    "context.age": np.float32([7, 8]),
    "context.tags": np.array([[3, 3, -1], [0, -1, -1]]),
    "sequence_length": np.array([3, 1]),
}


def test_each_column_has_an_input_of_its_shape():
    inputs = network_inputs(spec_of(), STATISTICS)
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in inputs.tensors.items()} == {
        "sequence.x": ((None, None, 2), "float32"),
        "sequence.token": ((None, None), "int64"),
        "context.age": ((None,), "float32"),
        "context.tags": ((None, None), "int64"),
        "sequence_length": ((None,), "int64"),
    }


def test_features_are_concatenated_one_hot_and_zero_at_padded_steps():
    inputs = network_inputs(spec_of(), STATISTICS)
    found = keras.Model(inputs.tensors, {"steps": inputs.steps, "mask": inputs.mask, "context": inputs.context})(BATCH)
    mask = np.array([[True, True, True], [True, False, False]])
    np.testing.assert_array_equal(found["mask"], mask)
    steps = np.concatenate([np.eye(6)[BATCH["sequence.token"]], BATCH["sequence.x"]], axis=-1) * mask[..., None]
    np.testing.assert_array_equal(found["steps"], steps)
    np.testing.assert_array_equal(found["context"], [[7, 0, 0, 0, 2], [8, 1, 0, 0, 0]])


def test_context_by_step_is_part_of_each_real_step():
    inputs = network_inputs(spec_of(model={"context": "per_step"}), STATISTICS)
    assert inputs.context is None
    steps = keras.Model(inputs.tensors, inputs.steps)(BATCH).numpy()
    assert steps.shape == (2, 3, 6 + 2 + 5)
    of_context = [[[7, 0, 0, 0, 2]] * 3, [[8, 1, 0, 0, 0], [0] * 5, [0] * 5]]
    columns = [column for column in range(13) if (steps[0, :, column] == 7).all()]
    np.testing.assert_array_equal(steps[..., columns[0] : columns[0] + 5], of_context)


def test_padding_on_the_left_is_moved_to_the_right():
    inputs = network_inputs(spec_of(batching={"padding": {"x": {"side": "left"}}}), STATISTICS)
    padded = {**BATCH, "sequence.x": BATCH["sequence.x"].copy()}
    padded["sequence.x"][1] = [[0, 0], [0, 0], [6, 7]]
    steps = keras.Model(inputs.tensors, inputs.steps)(padded).numpy()
    np.testing.assert_array_equal(steps[1, :, 6:], [[6, 7], [0, 0], [0, 0]])


@pytest.mark.parametrize("parts", [{}, {"steps": 1}, {"pooled": 2}])
def test_a_network_has_the_same_inputs(parts):
    inputs = network_inputs(spec_of(), STATISTICS)
    assert inputs.network(**parts) == Network(inputs.tensors, inputs.lengths, **parts)
