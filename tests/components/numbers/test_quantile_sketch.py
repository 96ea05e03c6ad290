"""Quantiles batch by batch, against numpy.quantile of all values."""

import pickle

import numpy as np
import pytest

from tfx_sequences.components.numbers.quantile_sketch import QuantileSketch


def sketch_of(batches, elements=1):
    sketch = QuantileSketch(elements)
    for batch in batches:
        sketch.add(batch)
    return sketch


def test_few_values_give_exact_quantiles():
    values = np.random.default_rng(0).normal(size=(1_001, 3))
    values[::5, 1] = np.nan
    values[:, 2] = np.nan
    found = sketch_of(np.array_split(values, 7), 3).quantiles(40)
    expected = np.nanquantile(values[:, :2], np.linspace(0, 1, 41), axis=0).T
    np.testing.assert_allclose(found[:2], expected, rtol=1e-12)
    np.testing.assert_array_equal(found[2], np.zeros(41))


@pytest.mark.parametrize("distribution", ["lognormal", "ties"])
def test_ranks_of_many_values_are_right_within_a_hundredth_of_a_percentile_per_level(distribution):
    random = np.random.default_rng(1)
    values = random.lognormal(0, 3, 400_000) if distribution == "lognormal" else random.integers(0, 9, 400_000) * 1.0
    batches = [batch[:, None] for batch in np.array_split(values, 100)]
    found = sketch_of(batches).quantiles(1_000)[0]
    ordered = np.sort(values)
    shares = np.linspace(0, 1, 1_001)
    low = np.searchsorted(ordered, found, "left") / len(values)
    high = np.searchsorted(ordered, found, "right") / len(values)
    assert np.maximum(low - shares, shares - high).max() < 0.002
    assert found[0] == values.min() and found[-1] == values.max()


def test_merged_sketches_are_those_of_all_values():
    values = np.random.default_rng(2).normal(size=(2_000, 2))
    parts = [sketch_of([part], 2) for part in np.array_split(values, 9)]
    whole = QuantileSketch(2)
    for part in parts:
        # Beam sends sketches from process to process.
        whole.merge(pickle.loads(pickle.dumps(part)))
    np.testing.assert_allclose(whole.quantiles(8), np.quantile(values, np.linspace(0, 1, 9), axis=0).T, rtol=1e-12)


def test_nothing_has_quantiles_of_zero():
    assert QuantileSketch(2).quantiles(2).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert sketch_of([np.zeros((0, 1))]).quantiles(1).tolist() == [[0, 0]]
