"""Distinct whole numbers that become equal as float32, counted a second time with NumPy."""

import numpy as np
import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.numbers.statistics import Moments
from tfx_sequences.components.records.lost_digits import DistinctNumbers
from tfx_sequences.components.records.number_figures import NumberFigures
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TIMES = np.random.default_rng(0).integers(1528917632, 1528917632 + 10**6, 2_000)


def advice(tmp_path, normalizer, values=TIMES, **context):
    """What is said of a column of times, four in each record."""
    records = [
        sequence_example({"kind": "ab"[i % 2], **context}, {"t": [int(x) for x in four]})
        for i, four in enumerate(np.reshape(values, (-1, 4)))
    ]
    path = write_records(tmp_path / "train.tfrecord", records)
    column = {"type": "numeric", "dtype": "int64", "normalizer": normalizer}
    return NumberFigures.of_files(
        [path], SequenceSpec(name="s", sequence={"t": column}, label={"key": "kind"})
    ).advice()


def test_values_that_become_equal_are_counted(tmp_path):
    [line] = advice(tmp_path, "none")
    distinct, left = len(np.unique(TIMES)), len(np.unique(TIMES.astype("float32")))
    assert line.startswith(f"sequence.t: {distinct} distinct values become {left} as float32, such as ")
    first, second = (int(word) for word in line.split("such as ")[1].split(";")[0].split(" and "))
    assert first != second and np.float32(first) == np.float32(second) and {first, second} <= set(TIMES.tolist())


@pytest.mark.parametrize("normalizer", ["z_score", "min_max", "robust", {"offset": 1528917632}, {"offset": "first"}])
def test_what_is_reduced_before_keeps_its_digits(tmp_path, normalizer):
    assert advice(tmp_path, normalizer) == []


def test_another_feature_may_be_the_offset(tmp_path):
    assert advice(tmp_path, {"offset": "start"}, start=1528917000) == []
    far = TIMES * 10**9
    [line] = advice(tmp_path, {"offset": "start", "scale": 1.0}, far, start=-(10**18))
    assert "distinct values become" in line


def test_elements_are_counted_one_by_one():
    numbers = DistinctNumbers(2)
    numbers.add(np.array([[0, 2**30], [1, 2**30 + 1], [2, 2**30 + 2]]), np.array([[True, True]] * 2 + [[True, False]]))
    assert numbers.lost("none", Moments.of(np.zeros((0, 2)))).startswith("2 distinct values become 1 as float32")
    assert numbers.lost("quantile", Moments.of(np.zeros((0, 2)))) == ""
