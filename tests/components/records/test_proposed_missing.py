"""Stored numbers that mark missing values are found; true values that look alike are not."""

import numpy as np
import pytest

from tfx_sequences.components.records.proposed_missing import MissingMarks
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec.model_validate(
    {
        "name": "s",
        "sequence": {
            "x": {"type": "numeric"},
            "t": {"type": "categorical"},
            "bytes": {"type": "numeric", "encoding": "int16"},
        },
        "label": {"key": "y"},
    }
)
RATES = np.random.default_rng(0).normal(80, 10, 980)


def found(*batches):
    marks = MissingMarks(SPEC)
    assert marks.names == ["sequence.x"]
    for batch in batches:
        marks.add("sequence.x", np.asarray(batch))
    return marks.found()


@pytest.mark.parametrize("mark", [-99, -999, -9999, 9999, 999999, -32768, 2**31 - 1])
def test_a_frequent_number_far_from_all_others_is_a_mark(mark):
    assert found(RATES[:500], [mark] * 20, RATES[500:]) == {"sequence.x": (mark, 20, 1000)}


def test_minus_one_beside_shares_is_a_mark():
    shares = np.random.default_rng(2).uniform(0.2, 0.8, 180)
    assert found([*shares, *[-1.0] * 20]) == {"sequence.x": (-1, 20, 200)}


@pytest.mark.parametrize(
    "values",
    [
        [*RATES, *[99.0] * 20],  # in the range of the others
        [*RATES, *[-999.0] * 3],  # too rare
        [-1, 0, 1] * 100,  # a direction
        [*RATES, *[-1.0] * 20],  # nearer to the others than these to each other
        [*[-1.0] * 50, *[5.0] * 50],  # one other value: a code
        [*RATES, *[-999.0] * 20, *[-1.0] * 20],  # which of them?
        [-999.0] * 50,
        [np.nan] * 20,
        [],
        np.random.default_rng(1).integers(-1000, 1000, 5000),
        [*RATES, *[125.0] * 20],  # not a number that people use as a mark
    ],
)
def test_values_that_are_no_marks(values):
    assert found(values) == {}
