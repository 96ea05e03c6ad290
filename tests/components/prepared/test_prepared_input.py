import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.components.prepared.stores import FEATURES, IDENTITY, make_spec, write_store
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.prepared.prepared_input import PreparedStore, Worker
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.spec.batching import Padding

SIDES = ["left", "right"]


def by_record(batches, spec):
    """What each record came with, padding cut off, by its label; and records, batches, real and padded steps."""
    found = {}
    counts = np.zeros(4, int)
    for inputs, labels, weights in batches:
        length = inputs["sequence_length"].numpy()
        longest = max(length.max(), 1)
        counts += len(length), 1, length.sum(), len(length) * longest
        own = [{"weight": weight} for weight in weights.numpy()]
        for name, value in inputs.items():
            values = value.numpy()
            if not name.startswith("sequence."):
                for row, record in enumerate(own):
                    record[name] = values[row]
                continue
            padding = spec.batching.padding.get(name.removeprefix("sequence."), Padding())
            assert values.shape[1] == longest
            for row, record in enumerate(own):
                left = longest - length[row] if padding.side == "left" else 0
                real = slice(left, left + length[row])
                record[name] = values[row, real]
                assert (np.delete(values[row], real, axis=0) == padding.value).all()
        found.update(zip(labels.numpy().tolist(), own, strict=True))
    assert len(found) == counts[0]
    return found, tuple(counts.tolist())


BATCHINGS = st.fixed_dictionaries(
    {"batch_size": st.integers(1, 7)},
    optional={
        "token_budget": st.integers(1, 40),
        "max_length": st.integers(1, 6),
        "truncate": st.sampled_from(["tail", "head"]),
        "drop_shorter_than": st.integers(0, 2),
        "drop_longer_than": st.integers(4, 8),
        "padding": st.fixed_dictionaries(
            {},
            optional={
                "token": st.builds(dict, value=st.sampled_from([-1.0, 0.0, 7.0]), side=st.sampled_from(SIDES)),
                "lpc": st.builds(dict, value=st.sampled_from([0.0, 0.5]), side=st.sampled_from(SIDES)),
            },
        ),
    },
)


@pytest.mark.parametrize("training", [False, True])
@settings(max_examples=6)
@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    batching=BATCHINGS,
    per_part=st.integers(1, 20),
)
def test_it_gives_what_the_ordinary_input_gives(tmp_path_factory, training, lengths, batching, per_part):
    spec = make_spec(batching=batching)
    folder, files = write_store(tmp_path_factory.mktemp("store"), lengths, spec=spec, records_per_part=per_part)
    store = PreparedStore(folder, spec, IDENTITY)
    assert sorted(store.lengths) == sorted(lengths)
    dataset = store.dataset(training=training)
    found, counts = by_record(dataset, spec)
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    ordinary = SequenceInput(files, spec, transformed_records(spec, FEATURES), plan, training=training)
    assert dataset.element_spec == ordinary.dataset.element_spec
    expected, _ = by_record(ordinary, spec)
    assert found.keys() == expected.keys()
    for label, record in expected.items():
        assert found[label].keys() == record.keys()
        for name, value in record.items():
            np.testing.assert_array_equal(found[label][name], value, err_msg=name)
            assert found[label][name].dtype == value.dtype
    predicted = store.counts(training=training)
    assert counts == (predicted.records, predicted.batches, predicted.real_steps, predicted.padded_steps)
    said = ordinary.finished[0]
    for name in ("records", "real_steps"):
        assert getattr(predicted, name) == getattr(said, name)
    for name in ("truncated", "too_short", "too_long"):
        assert getattr(predicted, name).count == getattr(said, name).count


def test_a_random_cut_is_drawn_by_seed_and_epoch(tmp_path):
    spec = make_spec(batching={"max_length": 2, "truncate": "random", "batch_size": 5})
    folder, _ = write_store(tmp_path, [9] * 400, spec=spec)
    store = PreparedStore(folder, spec, IDENTITY)

    def first_steps(**options):
        found, _ = by_record(store.dataset(**options), spec)
        # Step s of record i begins with i + s.
        return {i: int(found[i]["sequence.lpc"][0, 0]) - i for i in sorted(found)}

    first = first_steps(epoch=0)
    assert first == first_steps(epoch=0) != first_steps(epoch=1)
    # Of 9 steps, 2 may begin at 0 to 7; each of these 8 is drawn for about 50 of the 400 records, 20 being 4.5 of
    # the binomial distribution's standard deviations from that.
    starts, counts = np.unique(list(first.values()), return_counts=True)
    assert starts.tolist() == list(range(8))
    assert counts.min() > 20 and counts.max() < 80
    assert set(first_steps(training=False).values()) == {0}


def test_ids_come_when_asked_for(tmp_path):
    folder, _ = write_store(tmp_path, [2, 0, 5, 3], records_per_part=2)
    found, _ = by_record(PreparedStore(folder, make_spec(), IDENTITY).dataset(with_id=True), make_spec())
    assert {label: record["id"] for label, record in found.items()} == {
        0: b"",
        1: "ø\x001".encode(),
        2: "ø\x002".encode(),
        3: "ø\x003".encode(),
    }


def test_records_left_out_or_cut_are_named(tmp_path):
    spec = make_spec(batching={"drop_shorter_than": 1, "drop_longer_than": 4, "max_length": 2})
    folder, _ = write_store(tmp_path, [2, 0, 5, 3], spec=spec, records_per_part=2)
    counts = PreparedStore(folder, spec, IDENTITY).counts()
    named = {name: getattr(counts, name).first for name in ("too_short", "too_long", "truncated")}
    assert named == {"too_short": ["ø\x001"], "too_long": ["ø\x002"], "truncated": ["ø\x003"]}


def labels(dataset):
    return [label.numpy().tolist() for _, label, _ in dataset]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    lengths = np.random.default_rng(0).integers(0, 9, 120).tolist()
    spec = make_spec(batching={"batch_size": 4, "token_budget": 20})
    folder, _ = write_store(tmp_path_factory.mktemp("store"), lengths, records_per_part=15)
    return PreparedStore(folder, spec, IDENTITY)


def test_each_epoch_has_other_batches_and_the_same_ones_again(store):
    epochs = [labels(store.dataset(epoch=epoch)) for epoch in range(3)]
    assert len({str(epoch) for epoch in epochs}) == 3
    assert epochs == [labels(store.dataset(epoch=epoch)) for epoch in range(3)]
    pairs = [{(a, b) for batch in epoch for a in batch for b in batch if a < b} for epoch in epochs]
    # Who shares a batch with whom is drawn anew.
    assert len(pairs[0] & pairs[1]) < 0.5 * len(pairs[0])


def test_it_goes_on_after_any_step_as_if_it_had_not_stopped(store):
    whole = labels(store.dataset(epoch=2))
    for step in range(len(whole) + 1):
        assert labels(store.dataset(epoch=2, step=step)) == whole[step:]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_workers_share_the_epoch_in_equal_steps(store, count):
    shares = [labels(store.dataset(epoch=1, worker=Worker(index, count))) for index in range(count)]
    assert {len(share) for share in shares} == {store.counts(epoch=1, workers=count).batches // count}
    assert sorted(label for share in shares for batch in share for label in batch) == list(range(120))
    resumed = labels(store.dataset(epoch=1, step=3, worker=Worker(count - 1, count)))
    assert resumed == shares[-1][3:]


def test_an_unknown_worker_is_an_error():
    with pytest.raises(UserInputError, match=r"(?s)\[0, 1\].*worker 2 of 2"):
        Worker(2, 2)


@pytest.mark.parametrize(
    ("name", "harm", "error"),
    [
        ("lengths.npy", "changed", DataError),
        ("lengths.npy", "cut", DataError),
        # Found while the dataset reads, so TensorFlow raises its own error, with our message.
        ("part-00000-of-00001", "changed", tf.errors.InvalidArgumentError),
        ("part-00000-of-00001", "cut", DataError),
    ],
)
def test_a_damaged_file_is_an_error_with_its_name(tmp_path, name, harm, error):
    folder, _ = write_store(tmp_path, [3, 4, 5])
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content if harm == "changed" else content[:-3])
    with pytest.raises(error, match=rf"{name} is damaged[\s\S]*Remove the store"):
        labels(PreparedStore(folder, make_spec(), IDENTITY).dataset())


def test_too_many_workers_are_an_error_before_anything_is_read(tmp_path):
    folder, _ = write_store(tmp_path, [3, 4])
    with pytest.raises(UserInputError, match="3 workers cannot get the same number of batches"):
        PreparedStore(folder, make_spec(), IDENTITY).dataset(worker=Worker(0, 3))
