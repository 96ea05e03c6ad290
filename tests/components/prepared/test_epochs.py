"""A prepared store as the input of training: epoch after epoch, from any step."""

import numpy as np
import pytest

from tests.components.prepared.stores import IDENTITY, make_spec, write_store
from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.components.prepared.epochs import PreparedInput
from tfx_sequences.components.prepared.prepared_input import PreparedStore, Worker
from tfx_sequences.errors import UserInputError

LENGTHS = [2, 0, 5, 3, 1, 4, 2, 2, 3]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    spec = make_spec(batching={"batch_size": 2})
    folder, _ = write_store(tmp_path_factory.mktemp("store"), LENGTHS, spec=spec, records_per_part=3)
    return PreparedStore(folder, spec, IDENTITY)


def labels(dataset):
    return [label.numpy().tolist() for _, label, _ in dataset]


def test_each_pass_is_the_next_epoch_of_the_store(store):
    given = PreparedInput(store)
    passes = [labels(given.dataset) for _ in range(3)]
    assert passes == [labels(store.dataset(epoch=epoch)) for epoch in range(3)]
    assert passes[0] != passes[1]
    assert sorted(np.concatenate(passes[0])) == list(range(len(LENGTHS)))
    assert given.steps_per_epoch == len(passes[0])


def test_a_saved_position_gives_the_rest_of_its_epoch(store):
    given = PreparedInput(store)
    given.begin(1, 2)
    assert given.state().step == 2 and given.state().position is None
    other = PreparedInput(store)
    other.restore(InputState.from_json(given.state().to_json()))
    assert (other.epoch, other.step) == (1, 2)
    assert labels(other.dataset) == labels(store.dataset(epoch=1))[2:]
    with pytest.raises(UserInputError, match="a different number of workers"):
        PreparedInput(store, Worker(0, 2)).restore(given.state())


def test_epochs_before_the_present_one_are_counted(store):
    given = PreparedInput(store)
    assert given.finished == []
    given.begin(2)
    assert [(counts.epoch, counts.records, counts.real_steps) for counts in given.finished] == [
        (epoch, len(LENGTHS), sum(LENGTHS)) for epoch in (0, 1)
    ]
    assert given.callback is not given.callback
