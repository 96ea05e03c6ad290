"""What the check finds of numbers: the choice of `auto`, and advice where a given normaliser does not suit."""

import numpy as np
import pytest

from tests.numbers import number_records, numbers_spec, spread_of, tails_records
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.number_figures import NumberFigures
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(normalizer="auto", **fields):
    column = {"type": "numeric", **({} if normalizer is None else {"normalizer": normalizer})}
    return SequenceSpec(**{"name": "s", "sequence": {"value": column}, "label": {"key": "kind"}, **fields})


@pytest.fixture(scope="module")
def tails(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tails")
    for split, seed in (("train", 1), ("valid", 2), ("test", 3)):
        write_records(folder / f"{split}.tfrecord", [sequence_example(c, s) for c, s in tails_records(300, seed)])
    return folder


def test_scales_are_those_of_the_training_records(tails):
    report = check_data(spec_of(), tails)
    choice = report.normalizers["sequence.value"]
    assert choice["normalizer"] == "per_record"
    np.testing.assert_allclose(choice["figures"]["scale_spread"], spread_of(6), rtol=0.1)
    assert report.advice == ()


@pytest.mark.parametrize("given", ["z_score", "min_max", "none", "robust", "log1p", {"offset": 1.0}])
def test_a_normaliser_that_does_not_suit_is_told(tails, given):
    report = check_data(spec_of(given), tails)
    assert not report.normalizers
    [line] = report.advice
    said = given if isinstance(given, str) else "offset and scale"
    assert line.startswith(f"sequence.value: the normalizer is {said}, but the scale differs from record to record")


@pytest.mark.parametrize("given", ["per_record", "per_record_robust"])
def test_one_that_suits_is_not(tails, given):
    assert check_data(spec_of(given), tails).advice == ()


def test_the_target_of_a_forecast_is_normalised_by_its_label(tails):
    label = {"type": "forecast", "key": "value", "target": "value", "horizon": 3}
    spec = spec_of(None, label=label, model={"bidirectional": False})
    report = check_data(spec, tails)
    assert (report.normalizers, report.advice) == ({}, ())


def test_records_that_are_held_back_do_not_count(tmp_path):
    records = [sequence_example(c, s) for c, s in tails_records(400, 5)]
    write_records(tmp_path / "train.tfrecord", records)
    held_back = check_data(spec_of(), tmp_path)
    assert set(held_back.held_back) == {"valid", "test"}
    whole = NumberFigures.of_files([tmp_path / "train.tfrecord"], spec_of()).choices()["sequence.value"].figures
    figures = held_back.normalizers["sequence.value"]["figures"]
    assert figures["kurtosis"] != whole["kurtosis"]
    np.testing.assert_allclose(figures["scale_spread"], whole["scale_spread"], rtol=0.1)


def test_missing_steps_vectors_and_context_are_read_too(tmp_path):
    write_records(tmp_path / "train.tfrecord", [sequence_example(c, s) for c, s in number_records()])
    choices = NumberFigures.of_files([tmp_path / "train.tfrecord"], numbers_spec()).choices()
    chosen = {name: choices[name].normalizer for name in ("context.spend", "sequence.wave", "sequence.drift")}
    assert chosen == {"context.spend": "log1p", "sequence.wave": "per_record", "sequence.drift": "per_record"}


def test_flat_lists_of_examples_are_steps(tmp_path):
    spec = SequenceSpec(
        name="s",
        record="Example",
        sequence={"x": {"type": "numeric", "shape": (2,)}},
        label={"key": "kind"},
    )
    random = np.random.default_rng(0)
    records = []
    for index in range(60):
        values = 10 ** random.uniform(-3, 3) * random.normal(size=2 * random.integers(5, 9))
        records.append(example({"kind": "ab"[index % 2], "x": values.tolist()}))
    write_records(tmp_path / "train.tfrecord", records)
    figures = NumberFigures.of_files([tmp_path / "train.tfrecord"], spec)
    assert figures.choices()["sequence.x"].normalizer == "per_record"
