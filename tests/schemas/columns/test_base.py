"""What all declarations have in common: strict, frozen, finite, and errors that name the closest key."""

import pydantic
import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import Declared, Sizes, declared


class Layer(Declared):
    key: str = "x"
    units: Sizes = (1,)
    rate: float = 0.5


def test_lists_become_tuples_and_nothing_else_is_converted():
    assert Layer(units=[2, 3]).units == (2, 3)
    for wrong in ({"rate": "0.5"}, {"units": "23"}, {"units": [2.5]}, {"key": 3}):
        with pytest.raises(pydantic.ValidationError):
            Layer(**wrong)


def test_declarations_cannot_be_changed_and_can_be_compared():
    layer = Layer()
    with pytest.raises(pydantic.ValidationError):
        layer.rate = 0.1
    assert layer == Layer() and hash(layer) == hash(Layer())


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_are_finite(number):
    with pytest.raises(pydantic.ValidationError, match="finite"):
        Layer(rate=number)


def test_an_unknown_key_names_the_closest_one():
    with pytest.raises(SpecError, match=r"Invalid Layer of 'a': Unknown key 'unit'. Did you mean 'units'"):
        declared(Layer, key="a", unit=3)


def test_a_wrong_value_is_shown_with_its_place():
    with pytest.raises(SpecError, match=r"units\.1: .*greater than 0 \(received 0\)"):
        declared(Layer, units=(3, 0))
