"""The analyzer of numbers: batches in parts and in any order give the statistics of NumPy over all values."""

import json

import numpy as np
import pytest

from tfx_sequences.components.numbers.choice import CHOICES, choose_normalizer
from tfx_sequences.components.numbers.split_normalizers import PARAMETERS
from tfx_sequences.components.numbers.statistics import NumberStatistics
from tfx_sequences.components.transform.number_analyzer import CombineNumbers, NumberRequest, analyze_numbers
from tfx_sequences.components.transform.tft_engine import TftEngine

REQUESTS = (
    NumberRequest("sequence.wave", 2, True, quantiles=4, chooses=True, per_record=True),
    NumberRequest("context.size", 1, False),
    NumberRequest("context.spend", 1, False, quantiles=1, chooses=True),
)


def batches(number=6):
    """Batches of values of the three features, and the steps of each record of the first one."""
    random = np.random.default_rng(3)
    for _ in range(number):
        lengths = random.integers(0, 9, 20)
        scales = np.repeat(np.exp(random.normal(0, 3, 20)), lengths)[:, None]
        wave = scales * random.normal(size=(lengths.sum(), 2))
        wave[::9, 0] = np.nan
        yield [wave, random.normal(3, 2, (20, 1)), random.lognormal(0, 2, (20, 1)), lengths]


@pytest.fixture(scope="module")
def outputs():
    combiner, given = CombineNumbers(REQUESTS), list(batches())
    accumulators = [combiner.create_accumulator()]
    for part in (given[4:], given[:1], given[1:4]):
        accumulator = combiner.create_accumulator()
        for batch in part:
            accumulator = combiner.add_input(accumulator, batch)
        accumulators.append(accumulator)
    return combiner.extract_output(combiner.merge_accumulators(accumulators))


@pytest.fixture(scope="module")
def whole():
    return [np.concatenate(parts) for parts in zip(*batches(), strict=True)]


def test_parameters_are_means_and_deviations_of_values_and_their_logarithms(outputs, whole):
    for found, values in zip(outputs[2:5], whole, strict=False):
        logs = np.sign(values) * np.log1p(np.abs(values))
        expected = [np.nanmean(values, 0), np.nanstd(values, 0), np.nanmean(logs, 0), np.nanstd(logs, 0)]
        assert found.shape == (values.shape[1], len(PARAMETERS))
        np.testing.assert_allclose(found[:, :4], np.transpose(expected), rtol=1e-9)
    # Features of the record have no records' scales.
    assert not outputs[3][:, 4:].any()
    assert outputs[2][:, 4:].all()


def test_quantiles_are_given_where_they_are_requested(outputs, whole):
    assert [quantiles.shape for quantiles in outputs[5:]] == [(2, 5), (1, 2)]
    np.testing.assert_allclose(outputs[5], np.nanquantile(whole[0], np.linspace(0, 1, 5), axis=0).T, rtol=1e-6)
    np.testing.assert_allclose(outputs[6], [[whole[2].min(), whole[2].max()]])


def test_the_choices_are_those_of_the_whole_split(outputs, whole):
    wave = choose_normalizer(NumberStatistics.of(whole[0], whole[3]), per_record=True)
    spend = choose_normalizer(NumberStatistics.of(whole[2], None), per_record=False)
    assert (wave.normalizer, spend.normalizer) == ("per_record", "log1p")
    assert [CHOICES[choice] for choice in outputs[0][[0, 2]]] == ["per_record", "log1p"]
    [report] = json.loads(outputs[1].item()).values()
    assert {name: choice["normalizer"] for name, choice in report.items()} == {
        "sequence.wave": "per_record",
        "context.spend": "log1p",
    }


def test_no_requests_need_no_analyzer():
    assert analyze_numbers(TftEngine(), [], [], []) == {}
