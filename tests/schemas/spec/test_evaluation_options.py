"""The section `evaluation`: bounds that bound nothing are refused."""

import pydantic
import pytest

from tfx_sequences.schemas.spec.evaluation_options import Change, Evaluation, Threshold


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Threshold(), "set min, max or both"),
        (lambda: Change(), "set either max_drop or max_rise"),
        (lambda: Change(max_drop=0.1, max_rise=0.1), "set either max_drop or max_rise"),
        (lambda: Change(max_drop=-0.1), "greater than or equal to 0"),
        (lambda: Evaluation(length_slices=(9, 5)), "increasing numbers, but are 9, 5"),
        (lambda: Evaluation(slice=("country",)), "Did you mean 'slices'"),
    ],
)
def test_what_bounds_nothing_is_refused(build, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        build()


def test_a_bound_on_each_side_is_enough():
    assert Threshold(min=0.5).max is None and Threshold(max=0.5).min is None and Change(max_rise=0.0).max_rise == 0
