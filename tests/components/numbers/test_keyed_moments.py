import numpy as np

from tfx_sequences.components.numbers.keyed_moments import KeyedMoments


def test_parts_merge_to_what_numpy_has_of_the_whole():
    random = np.random.default_rng(1)
    keys = random.integers(-3, 4, 500)
    values = random.normal(1e4 * keys[:, None], [1.0, 50.0], (500, 2))
    values[random.random(500) < 0.2, 1] = np.nan
    merged = KeyedMoments.of(np.zeros((0, 2)), np.zeros(0, np.int64))
    for part in np.array_split(np.arange(500), [3, 200, 210]):
        merged = merged.merged(KeyedMoments.of(values[part], keys[part]))
    figures = merged.means_and_deviations()
    assert merged.keys.tolist() == sorted(set(keys.tolist()))
    for key, its in zip(merged.keys, figures, strict=False):
        own = values[keys == key]
        np.testing.assert_allclose(its, np.stack([np.nanmean(own, 0), np.nanstd(own, 0)], 1), rtol=1e-9)
    expected = np.stack([np.nanmean(values, 0), np.nanstd(values, 0)], 1)
    np.testing.assert_allclose(figures[-1], expected, rtol=1e-9)


def test_what_a_key_does_not_say_is_that_of_all_values():
    found = KeyedMoments.of(np.array([[1.0], [3.0], [np.nan], [5.0]]), np.array([1, 1, 2, 3])).means_and_deviations()
    everything = [3.0, np.std([1, 3, 5])]
    np.testing.assert_allclose(found[:, 0], [[2.0, 1.0], everything, [5.0, everything[1]], everything])
    lonely = KeyedMoments.of(np.array([[4.0]]), np.array([1])).means_and_deviations()
    np.testing.assert_array_equal(lonely[:, 0], [[4.0, 1.0], [4.0, 1.0]])
