"""Groups of rows within a budget: every row once, none beyond the budget that could be smaller."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

from tests.components.serving.test_record_sizes import SPEC
from tfx_sequences.components.serving.padded_memory import PaddedMemory
from tfx_sequences.components.serving.record_sizes import Sizes
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

VARIABLES = [(10, 64), (16, 64), (64,), (16, 3)]
NUMBERS = SequenceSpec(name="n", sequence={"x": {"type": "numeric"}}, label={"key": "y"})


def sizes(*steps):
    """Of one input, a number in each step."""
    return Sizes(np.array(steps).reshape(-1, 1), np.ones([len(steps), 1], int))


@pytest.fixture(scope="module")
def memory():
    return PaddedMemory(NUMBERS, VARIABLES, {})


def test_memory_is_a_product_of_rows_steps_and_bytes(memory):
    of_step = memory.of_rows(1, sizes(1))
    # What each weight matrix computes for a step, and at least one copy of the number itself.
    assert of_step > 4 * (64 + 64 + 3 + 1)
    assert memory.of_rows(4096, sizes(3, 99_999)) == 4096 * 99_999 * of_step
    cut = SequenceSpec(**{**NUMBERS.model_dump(), "batching": {"max_length": 10}})
    assert PaddedMemory(cut, VARIABLES, {}).of_rows(1, sizes(99_999)) < 99_999 * of_step / 10


def test_values_of_one_step_count_as_steps_do():
    memory = PaddedMemory(SPEC, [], {})
    one, many = (np.ones([1, len(memory.inputs)], int) for _ in range(2))
    genres = [its.name for its in memory.inputs].index("genres")
    many[0, genres] = 1_000_000
    assert memory.of_rows(1, Sizes(one, many)) > 1_000_000 * 24
    # A text whose tokens are the steps.
    tokens = np.ones([1, len(memory.inputs)], int)
    tokens[0, [its.name for its in memory.inputs].index("review")] = 500
    assert memory.network_steps(Sizes(one, tokens)).tolist() == [500]


@hypothesis.given(st.lists(st.integers(0, 3000), min_size=1, max_size=40), st.integers(1, 10_000_000))
def test_groups_hold_each_row_once_within_the_budget(memory, steps, budget):
    groups = memory.groups(sizes(*steps), budget)
    assert sorted(np.concatenate(groups).tolist()) == [*range(len(steps))]
    for rows in groups:
        assert len(rows) == 1 or memory.of_rows(len(rows), sizes(*np.array(steps)[rows])) <= budget


def test_a_long_row_is_alone_and_the_others_stay_together(memory):
    groups = memory.groups(sizes(*[3] * 2000, 99_999, *[3] * 2095), 1 << 30)
    assert [len(rows) for rows in groups] == [4095, 1] and groups[1].tolist() == [2000]


def test_rows_that_fit_are_one_group_in_their_order(memory):
    assert memory.groups(sizes(5, 3, 9), 1 << 30)[0].tolist() == [0, 1, 2]
    assert memory.surely_fits(256, 100, 1 << 30)
    assert not memory.surely_fits(256, 10_000_000, 1 << 30)


def test_answers_of_steps_are_padded_to_the_longest_row():
    outputs = {"steps": {"scores": tf.TensorSpec([None, None, 3])}, "records": {"scores": tf.TensorSpec([None, 3])}}
    memory = PaddedMemory(NUMBERS, VARIABLES, outputs)
    assert memory.of_answer("steps", sizes(2, 5)) == 2 * 5 * 3 * 80
    assert memory.of_answer("records", sizes(2, 5)) == memory.of_answer("other", sizes(2, 5)) == 0
    assert memory.answers_steps("steps") and not memory.answers_steps("records")
