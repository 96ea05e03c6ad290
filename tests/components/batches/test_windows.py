import itertools

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.components.batches.windows import Windows, cut_windows, window_dataset


def series(lengths):
    """Each step tells its series and where it stands there."""
    rows = [[[b, t] for t in range(n)] for b, n in enumerate(lengths)]
    flat = np.array(list(itertools.chain(*rows)), np.int64).reshape(-1, 2)
    return tf.RaggedTensor.from_row_lengths(flat, np.array(lengths, np.int64))


def cut(lengths, windows, **split):
    ragged = series(lengths)
    out = cut_windows({"x": ragged}, ragged.row_lengths(), windows, **split)
    parts = {"context": out["x"][0], "horizon": out["x"][1], "series": out["series"], "step": out["step"]}
    return {name: part.numpy() for name, part in parts.items()}


sizes = st.builds(Windows, context=st.integers(1, 4), horizon=st.integers(1, 3), stride=st.integers(1, 4))


@given(st.lists(st.integers(0, 15), min_size=1, max_size=4), sizes)
def test_windows_are_contiguous_and_complete(lengths, windows):
    out = cut(lengths, windows)
    expected = [
        (b, start + windows.context)
        for b, n in enumerate(lengths)
        for start in range(0, n - windows.context - windows.horizon + 1, windows.stride)
    ]
    assert list(zip(out["series"], out["step"], strict=True)) == expected
    assert len(expected) == sum(windows.count(n) for n in lengths)
    for row, (b, step) in enumerate(expected):
        assert (out["context"][row] == [[b, step - windows.context + i] for i in range(windows.context)]).all()
        assert (out["horizon"][row] == [[b, step + i] for i in range(windows.horizon)]).all()


@given(st.lists(st.integers(0, 40), min_size=1, max_size=3), sizes, st.floats(0.1, 0.9))
def test_no_step_leaks_from_a_later_split(lengths, windows, share):
    train, test = cut(lengths, windows, end=share), cut(lengths, windows, start=share)
    for b, n in enumerate(lengths):
        border = int(np.floor(n * share + 1e-9))
        assert (train["context"][train["series"] == b][..., 1] < border).all()
        assert (train["horizon"][train["series"] == b][..., 1] < border).all()
        assert (test["horizon"][test["series"] == b][..., 1] >= border).all()
    # Together they are the windows of the whole, but for those whose horizon lies on the border.
    whole = cut(lengths, windows)
    parts = [(int(b), int(s)) for part in (train, test) for b, s in zip(part["series"], part["step"], strict=True)]
    assert len(parts) == len(set(parts))
    straddling = {
        (int(b), int(s))
        for b, s in zip(whole["series"], whole["step"], strict=True)
        if s < np.floor(lengths[b] * share + 1e-9) < s + windows.horizon
    }
    assert set(parts) | straddling == {(int(b), int(s)) for b, s in zip(whole["series"], whole["step"], strict=True)}
    assert not set(parts) & straddling


def test_batches_of_windows_are_cut_while_reading():
    batches = tf.data.Dataset.range(3).map(lambda i: ({"x": tf.ragged.range([i + 4, 2])}, [i + 4, 2]))
    out = list(window_dataset(batches, Windows(context=2, horizon=1), 4))
    assert [len(batch["step"]) for batch in out] == [4, 4, 1]
    contexts = np.concatenate([batch["x"][0] for batch in out])
    assert contexts.tolist() == [[0, 1], [1, 2], [0, 1], [1, 2], [2, 3], [0, 1], [1, 2], [2, 3], [3, 4]]
