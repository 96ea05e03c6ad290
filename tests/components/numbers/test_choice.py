"""What `auto` chooses, for distributions whose skewness, kurtosis and scales are known in closed form."""

import numpy as np
import pytest

from tfx_sequences.components.numbers.choice import choose_normalizer
from tfx_sequences.components.numbers.statistics import NumberStatistics

RANDOM = np.random.default_rng(5)
NORMAL = RANDOM.normal(size=(20_000, 1))
LENGTHS = np.full(1_000, 20)


def choice_of(values, lengths=None, **options):
    return choose_normalizer(NumberStatistics.of(values, lengths), **options)


def per_step(of_records):
    return np.repeat(of_records, 20)[:, None]


@pytest.mark.parametrize(
    ("values", "expected", "skewness", "kurtosis"),
    [
        (NORMAL, "z_score", 0, 0),
        (RANDOM.uniform(size=(20_000, 1)), "z_score", 0, -1.2),
        (RANDOM.exponential(size=(20_000, 1)), "z_score", 2, 6),
        (RANDOM.laplace(size=(20_000, 1)), "z_score", 0, 3),
        (np.exp(NORMAL), "log1p", 6.2, None),
        (RANDOM.standard_t(2, size=(20_000, 1)), "log1p", None, None),
        (1e-6 * np.exp(2 * NORMAL), "quantile", None, None),
        (np.exp(np.exp(NORMAL)), "quantile", None, None),
        ((RANDOM.random((20_000, 1)) < 0.01) * 1.0, "quantile", 9.85, None),
    ],
)
def test_tails_decide(values, expected, skewness, kurtosis):
    # The exponential's skewness is the bound itself, and a sample's is below it or above.
    values = values if expected != "z_score" else values[:19_000]
    choice = choice_of(values)
    assert choice.normalizer in ({"z_score", "log1p"} if skewness == 2 else {expected})
    if skewness is not None:
        assert abs(choice.figures["skewness"] - skewness) < 0.1 + 0.35 * abs(skewness)
    if kurtosis is not None:
        assert abs(choice.figures["kurtosis"] - kurtosis) < 0.1 + 0.3 * abs(kurtosis)
    # Steps that do not know which record they are of change nothing.
    assert choice_of(values[:19_000], LENGTHS[:950]).normalizer == choice_of(values[:19_000]).normalizer


@pytest.mark.parametrize(("decades", "expected"), [(0.5, "z_score"), (2, "per_record"), (6, "per_record")])
def test_scales_that_differ_from_record_to_record_decide_first(decades, expected):
    exponents = RANDOM.uniform(-decades / 2, decades / 2, 1_000)
    choice = choice_of(10 ** per_step(exponents) * NORMAL, LENGTHS)
    assert choice.normalizer == expected
    # The standard deviation of a uniform distribution is its width over the root of 12.
    np.testing.assert_allclose(choice.figures["scale_spread"], np.log(10) * decades / 12**0.5, rtol=0.1)


def test_levels_far_apart_decide_too():
    levels = per_step(RANDOM.normal(size=1_000))
    assert choice_of(100 * levels + NORMAL, LENGTHS).normalizer == "per_record"
    assert choice_of(5 * levels + NORMAL, LENGTHS).normalizer == "z_score"


def test_records_that_hardly_ever_vary_are_not_normalised_by_themselves():
    scales = 10 ** per_step(RANDOM.uniform(-3, 3, 1_000)) * per_step(RANDOM.random(1_000) < 0.3)
    assert choice_of(scales * NORMAL, LENGTHS).normalizer != "per_record"
    assert choice_of(100 * per_step(RANDOM.normal(size=1_000)), LENGTHS).normalizer == "z_score"


def test_where_a_record_cannot_decide_the_tails_do():
    values = 10 ** per_step(RANDOM.uniform(-3, 3, 1_000)) * NORMAL
    assert choice_of(values, LENGTHS, per_record=False).normalizer in ("log1p", "quantile")


def test_one_element_with_heavy_tails_is_enough_but_scales_are_those_of_most():
    heavy = np.exp(2 * NORMAL)
    assert choice_of(np.concatenate([NORMAL, NORMAL, heavy], axis=1)).normalizer == "log1p"
    differing = 10 ** per_step(RANDOM.uniform(-3, 3, 1_000)) * NORMAL
    one, two = (np.concatenate([*[differing] * n, *[NORMAL] * (3 - n)], axis=1) for n in (1, 2))
    assert [choice_of(x, LENGTHS).normalizer for x in (one, two)] == ["log1p", "per_record"]


def test_wide_vectors_have_no_quantiles():
    wide = np.tile(np.exp(np.exp(NORMAL)), 257)[:500]
    assert choice_of(wide).normalizer == "log1p"
    assert choice_of(wide[:, :256]).normalizer == "quantile"


def test_nothing_is_normalised_as_usual():
    assert choice_of(np.zeros((0, 2)), np.zeros(4, int)).normalizer == "z_score"
