"""Windows against plain slices of the series; and that none sees its own future, or another record's."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.batches.forecast_windows import cut_forecast_windows, windows_per_record
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

HORIZON = 2


def spec_of(key="future", windows=6, max_length=None, seasonality=1, **fields):
    forecast = {"windows": windows, "seasonality": seasonality}
    label = {"key": key, "type": "forecast", "horizon": HORIZON, "target": "x", "forecast": forecast, **fields}
    batching = {"max_length": max_length, "truncate": "head"} if max_length else {}
    sequence = {"x": {"type": "numeric"}, "w": {"type": "numeric", "shape": (2,), "normalizer": "none"}}
    return SequenceSpec(name="s", sequence=sequence, label=label, batching=batching, example_weight="weight")


def features(lengths, *, cut_out=False, known=False):
    """Each value tells its record and step; what follows a record's last step goes on counting."""
    rows = [np.arange(n, dtype="float32") + 1000 * (b + 1) for b, n in enumerate(lengths)]
    lengths = np.array(lengths, np.int64)
    x = tf.RaggedTensor.from_row_lengths(np.concatenate([*rows, []]).astype("float32"), lengths)
    w = tf.RaggedTensor.from_row_lengths(np.stack([x.values, -x.values], axis=1), lengths)
    ahead = (1000.0 * np.arange(1, len(lengths) + 1) + lengths)[:, None] + np.arange(HORIZON)
    found = {
        "sequence.x": x,
        "sequence.w": w,
        "sequence_length": tf.constant(lengths),
        "example_weight": tf.constant(np.arange(len(lengths)) + 1.0),
        "context.tags": tf.ragged.constant([[b] * b for b in range(len(lengths))], dtype=tf.int64),
    }
    if not cut_out:
        found["label"] = tf.constant(ahead, tf.float32)
    if known:
        found["future.w"] = tf.constant(np.stack([ahead, -ahead], axis=2), tf.float32)
    return found


lengths_of = st.lists(st.integers(0, 9), min_size=1, max_size=4)


@given(lengths_of, st.one_of(st.none(), st.integers(1, 4)), st.booleans(), st.integers(0, 99))
def test_a_window_is_a_stretch_of_its_record_and_what_follows_it(lengths, most, cut_out, seed):
    spec = spec_of("x" if cut_out else "future", max_length=most, known_future={"w": "w_ahead"})
    given_features = features(lengths, cut_out=cut_out, known=True)
    for of_seed, number in ((None, 1), (tf.constant([seed, 7], tf.int64), 6)):
        cut = cut_forecast_windows(given_features, spec, of_seed)
        assert cut["sequence_length"].shape == (len(lengths) * number,)
        for row, length in enumerate(cut["sequence_length"].numpy()):
            record = row // number
            history = cut["sequence.x"][row].numpy()
            assert len(history) == length and cut["sequence.w"][row].shape == (length, 2)
            assert most is None or length <= most
            assert cut["example_weight"][row] == record + 1 and cut["context.tags"][row].shape == (record,)
            if cut_out and lengths[record] < HORIZON:
                continue
            ahead = cut["label"][row, :HORIZON].numpy()
            assert np.diff(ahead).tolist() == [1.0]
            first = ahead[0] - 1000 * (record + 1)
            # The steps before it, and none of them beyond; all if they are not limited.
            expected = np.arange(first - length, first) + 1000 * (record + 1)
            np.testing.assert_array_equal(history, expected)
            assert first <= lengths[record] - HORIZON * cut_out
            assert most is not None or first == length
            np.testing.assert_array_equal(cut["future.w"][row], np.stack([ahead, -ahead], axis=1))
            if of_seed is None:
                assert first == lengths[record] - HORIZON * cut_out


def test_ends_are_drawn_evenly_over_all_that_have_a_history_and_a_future():
    spec = spec_of(windows=4000)
    cut = cut_forecast_windows(features([6, 1]), spec, tf.constant([1, 2], tf.int64))
    lengths = cut["sequence_length"].numpy()
    # From `horizon` steps on, where there are so many.
    found, counts = np.unique(lengths[:4000], return_counts=True)
    assert found.tolist() == [2, 3, 4, 5, 6] and (np.abs(counts - 800) < 150).all()
    assert set(lengths[4000:]) == {1}


def test_the_same_seed_draws_the_same():
    spec = spec_of()
    drawn = [
        cut_forecast_windows(features([9, 9]), spec, tf.constant(seed, tf.int64))["label"].numpy().tolist()
        for seed in ([1, 2], [1, 2], [1, 3])
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_without_windows_a_record_is_trained_with_as_it_is_evaluated():
    spec = spec_of(windows=0)
    trained = cut_forecast_windows(features([5, 3]), spec, tf.constant([1, 2], tf.int64))
    evaluated = cut_forecast_windows(features([5, 3]), spec)
    assert trained["label"].numpy().tolist() == evaluated["label"].numpy().tolist()
    assert windows_per_record(spec, training=True) == 1 == windows_per_record(spec_of(), training=False)


@pytest.mark.parametrize("seasonality", [1, 3])
def test_the_scale_of_mase_is_of_the_whole_history(seasonality):
    random = np.random.default_rng(2)
    rows = [random.normal(size=n).astype("float32") for n in (8, 0, 1, 5)]
    x = tf.RaggedTensor.from_row_lengths(np.concatenate(rows), [len(r) for r in rows])
    given_features = {
        **features([8, 0, 1, 5]),
        "sequence.x": x,
    }
    for key in ("future", "x"):
        spec = spec_of(key, seasonality=seasonality, max_length=2)
        found = cut_forecast_windows(given_features, spec)["label"][:, -1].numpy()
        for row, scale in zip(rows, found, strict=True):
            history = row if key == "future" else row[: max(len(row) - HORIZON, 0)]
            apart = np.abs(history[seasonality:] - history[:-seasonality])
            np.testing.assert_allclose(scale, apart.mean() if len(apart) else 0.0, rtol=1e-5)


def test_a_scale_of_the_record_is_taken_as_it_is():
    spec = spec_of(mase_scale="scale")
    cut = cut_forecast_windows({**features([5, 3]), "mase_scale": tf.constant([4.0, 0.0])}, spec)
    assert cut["label"][:, -1].numpy().tolist() == [4.0, 0.0]


def test_no_value_of_the_future_comes_into_a_history():
    """Whatever the future is, what the network sees of a record's own end is the same."""
    spec = spec_of("x")
    first = features([7, 4], cut_out=True)
    ends = np.cumsum([7, 4])
    changed = first["sequence.x"].values.numpy()
    for end in ends:
        changed[end - HORIZON : end] = 1e9
    second = {**first, "sequence.x": first["sequence.x"].with_values(tf.constant(changed))}
    cut = [cut_forecast_windows(x, spec) for x in (first, second)]
    assert cut[0]["sequence.x"].to_list() == cut[1]["sequence.x"].to_list()
    assert cut[0]["label"][:, -1].numpy().tolist() == cut[1]["label"][:, -1].numpy().tolist()
    assert (cut[1]["label"][:, :-1].numpy() == 1e9).all()
