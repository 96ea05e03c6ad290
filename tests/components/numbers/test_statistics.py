"""Statistics of numbers, against SciPy, and against records whose scales are known."""

import functools

import numpy as np
import pytest
import scipy.stats

from tfx_sequences.components.numbers.statistics import Moments, NumberStatistics


def parts_of(values, lengths, number):
    """The records in as many parts, with the values of each."""
    starts = np.concatenate([[0], np.cumsum(lengths)])
    for rows in np.array_split(np.arange(len(lengths)), number):
        if len(rows):
            yield values[starts[rows[0]] : starts[rows[-1] + 1]], lengths[rows]


@pytest.mark.parametrize("level", [0.0, 1e6])
def test_moments_are_those_of_scipy_however_they_are_merged(level):
    random = np.random.default_rng(0)
    values = np.stack([random.lognormal(size=3_000), random.normal(level, 1, 3_000), np.full(3_000, 7.0)], axis=1)
    values[::7, 0] = np.nan
    merged = functools.reduce(Moments.merged, map(Moments.of, np.array_split(values, 11)))
    for element, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        assert merged.count[element] == len(known)
        np.testing.assert_allclose(merged.mean[element], known.mean(), rtol=1e-12)
        np.testing.assert_allclose(merged.std[element], known.std(), rtol=1e-9)
        if element < 2:
            np.testing.assert_allclose(merged.skewness[element], scipy.stats.skew(known), rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(merged.kurtosis[element], scipy.stats.kurtosis(known), rtol=1e-6, atol=1e-6)
    assert (merged.skewness[2], merged.kurtosis[2]) == (0, 0)


def test_the_scales_of_records_are_found_and_chance_is_not():
    random = np.random.default_rng(1)
    # Of records of one length, for the deviation of a few heavy-tailed values is less than that of many.
    lengths = np.where(random.random(4_000) < 0.1, random.integers(0, 3, 4_000), 30)
    log_scales = random.normal(-2, 1.5, 4_000)
    noise = random.normal(size=(lengths.sum(), 1))
    of_step = np.repeat(log_scales, lengths)[:, None]
    values = np.concatenate([np.exp(of_step) * noise, noise, np.exp(2 * noise)], axis=1)
    statistics = NumberStatistics.of_all(NumberStatistics.of(part, its) for part, its in parts_of(values, lengths, 13))
    scales = statistics.scales
    assert scales.records[0] == (lengths >= 4).sum()
    np.testing.assert_allclose(scales.log_spread, [1.5, 0, 0], atol=0.2)
    np.testing.assert_allclose(scales.reliability, [1, 0, 0], atol=0.1)
    np.testing.assert_allclose(scales.log_mean[0], -2, atol=0.1)
    # What is left within records: all of values that do not know of records.
    np.testing.assert_allclose((scales.within / statistics.moments.sum2)[1], 1 - 1 / lengths.mean(), atol=0.01)


def test_constants_short_records_and_missing_values_have_no_scale():
    values = np.array([5.1] * 6 + [1.0, 2.0, 3.0] + [1.0, np.nan, 3.0, np.nan, 1.0, 5.0, np.nan, 4.0])[:, None]
    scales = NumberStatistics.of(values, np.array([6, 0, 3, 8])).scales
    # Of the last record the even steps are 1, 3, 1, missing; of the odd ones only 5 and 4 are there.
    assert (scales.records, scales.varied) == (2, 1)
    np.testing.assert_allclose(scales.logs[2], np.log(np.std([1, 3, 1, 5, 4])))
    nothing = NumberStatistics.of(np.zeros((0, 2)), np.zeros(3, int))
    assert nothing.merged(nothing).moments.count.tolist() == [0, 0]
