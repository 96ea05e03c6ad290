import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.prepared import FEATURES, IDENTITY, make_spec, write_store
from tfx_sequences.components import input as input_lib
from tfx_sequences.components.prepared_input import PreparedStore, Worker
from tfx_sequences.components.prepared_plan import BatchLimits
from tfx_sequences.errors import DataError, UserInputError

LIMITS = BatchLimits(rows=4, steps=20)


def by_record(dataset):
    """What each record came with, padding cut off, by its label; and how often it came."""
    found = {}
    count = 0
    for inputs, labels, weights in dataset:
        length = inputs["sequence_length"].numpy()
        values = {name: value.numpy() for name, value in inputs.items()}
        for name, value in values.items():
            if name.startswith("sequence."):
                assert value.shape[1] == max(length.max(), 1)
                for row, steps in enumerate(length):
                    assert not value[row, steps:].any()
        for row, label in enumerate(labels.numpy()):
            own = {n: v[row, : length[row]] if n.startswith("sequence.") else v[row] for n, v in values.items()}
            found[int(label)] = {**own, "weight": weights.numpy()[row]}
            count += 1
    return found, count


@pytest.mark.parametrize("shuffle", [False, True])
@settings(max_examples=10)
@given(
    lengths=st.lists(st.integers(0, 9), max_size=40),
    rows=st.integers(1, 7),
    steps=st.none() | st.integers(1, 40),
    per_part=st.integers(1, 20),
)
def test_it_gives_what_the_ordinary_input_gives(tmp_path_factory, shuffle, lengths, rows, steps, per_part):
    spec = make_spec()
    folder, files = write_store(tmp_path_factory.mktemp("store"), lengths, records_per_part=per_part)
    store = PreparedStore(folder, spec, IDENTITY)
    assert sorted(store.lengths) == sorted(lengths)
    dataset = store.dataset(BatchLimits(rows, steps), shuffle=shuffle)
    found, count = by_record(dataset)
    assert count == len(found) == len(lengths)
    ordinary = input_lib.make_dataset(files, spec, FEATURES, (), training=False)
    assert dataset.element_spec == ordinary.element_spec
    expected, _ = by_record(ordinary)
    assert found.keys() == expected.keys()
    for label, record in expected.items():
        assert found[label].keys() == record.keys()
        for name, value in record.items():
            np.testing.assert_array_equal(found[label][name], value, err_msg=name)
            assert found[label][name].dtype == value.dtype


def test_ids_come_when_asked_for(tmp_path):
    folder, _ = write_store(tmp_path, [2, 0, 5, 3], records_per_part=2)
    found, _ = by_record(PreparedStore(folder, make_spec(), IDENTITY).dataset(LIMITS, with_id=True))
    assert {label: record["id"] for label, record in found.items()} == {
        0: b"",
        1: b"\xff\x001",
        2: b"\xff\x002",
        3: b"\xff\x003",
    }


def labels(dataset):
    return [label.numpy().tolist() for _, label, _ in dataset]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    lengths = np.random.default_rng(0).integers(0, 9, 120).tolist()
    folder, _ = write_store(tmp_path_factory.mktemp("store"), lengths, records_per_part=15)
    return PreparedStore(folder, make_spec(), IDENTITY)


def test_each_epoch_has_other_batches_and_the_same_ones_again(store):
    epochs = [labels(store.dataset(LIMITS, epoch=epoch)) for epoch in range(3)]
    assert len({str(epoch) for epoch in epochs}) == 3
    assert epochs == [labels(store.dataset(LIMITS, epoch=epoch)) for epoch in range(3)]
    pairs = [{(a, b) for batch in epoch for a in batch for b in batch if a < b} for epoch in epochs]
    # Who shares a batch with whom is drawn anew.
    assert len(pairs[0] & pairs[1]) < 0.5 * len(pairs[0])


def test_it_goes_on_after_any_step_as_if_it_had_not_stopped(store):
    whole = labels(store.dataset(LIMITS, epoch=2))
    for step in range(len(whole) + 1):
        assert labels(store.dataset(LIMITS, epoch=2, step=step)) == whole[step:]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_workers_share_the_epoch_in_equal_steps(store, count):
    shares = [labels(store.dataset(LIMITS, epoch=1, worker=Worker(index, count))) for index in range(count)]
    assert {len(share) for share in shares} == {store.count_batches(LIMITS, epoch=1, workers=count)}
    assert sorted(label for share in shares for batch in share for label in batch) == list(range(120))
    resumed = labels(store.dataset(LIMITS, epoch=1, step=3, worker=Worker(count - 1, count)))
    assert resumed == shares[-1][3:]


def test_an_unknown_worker_is_an_error():
    with pytest.raises(UserInputError, match=r"(?s)\[0, 1\].*worker 2 of 2"):
        Worker(2, 2)


@pytest.mark.parametrize("name", ["lengths.npy", "part-00000-of-00001"])
@pytest.mark.parametrize("harm", ["changed", "cut"])
def test_a_damaged_file_is_an_error_with_its_name(tmp_path, name, harm):
    folder, _ = write_store(tmp_path, [3, 4, 5])
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content if harm == "changed" else content[:-3])
    with pytest.raises(Exception, match=f"{name} is damaged") as raised:
        labels(PreparedStore(folder, make_spec(), IDENTITY).dataset(LIMITS))
    assert "write it anew" in str(raised.value)
    if name == "lengths.npy":
        assert isinstance(raised.value, DataError)
