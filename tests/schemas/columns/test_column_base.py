"""What all columns share: the serialized type, timestamps with their alignment, and the depth of vectors of ids."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.column import CategoricalColumn, Embedding, NumericColumn
from tfx_sequences.schemas.columns.column_base import FurtherFeature, size_of

ALIGN = {"to": "at", "method": "nearest", "dtype": "int64"}


def test_a_dump_without_defaults_has_the_type():
    assert NumericColumn(key="x").model_dump(exclude_defaults=True) == {"type": "numeric", "key": "x"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"align": ALIGN}, "timestamps and align must be set together"),
        ({"timestamps": "t"}, "timestamps and align must be set together"),
        ({"timestamps": "t", "align": ALIGN, "is_sequence": False}, "not for context"),
        ({"timestamps": "at", "align": ALIGN}, r"timestamps and align\.to are the same"),
        ({"timestamps": "t", "align": {**ALIGN, "method": "collect"}}, "suitable methods: previous, nearest, interpol"),
    ],
)
def test_an_alignment_must_be_possible(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        NumericColumn(**{"key": "x", "is_sequence": True, **fields})


def test_an_alignment_compares_two_lists_of_times():
    column = NumericColumn(key="x", is_sequence=True, timestamps="t", align=ALIGN)
    assert column.clock_features == (FurtherFeature("t", True, "int64"), FurtherFeature("at", True, "int64"))
    assert NumericColumn(key="x", is_sequence=True).clock_features == ()


def test_the_depth_is_the_number_of_ids_or_the_width_of_the_embedding():
    assert CategoricalColumn(key="x", indicator=True).width(7) == 7
    assert CategoricalColumn(key="x", embedding=Embedding(dimension=5)).width(7) == 5
    # Without a dimension: 1.6 * 100 ** 0.56 is 21.08.
    assert CategoricalColumn(key="x").width(100) == 21


def test_a_named_table_can_be_shared():
    own = CategoricalColumn(key="x", embedding=Embedding(combiner="sum"))
    named = CategoricalColumn(key="x", embedding=Embedding(table="words"))
    assert (own.table, own.shares_table, own.combiner) == ("x_embedding", False, "sum")
    assert (named.table, named.shares_table, named.combiner) == ("words", True, "mean")
    assert named.name == "x_shared_embedding"


@pytest.mark.parametrize(("shape", "size"), [((), 1), ((3,), 3), ((2, 3), 6)])
def test_the_size_of_an_array_is_the_product_of_its_sides(shape, size):
    assert size_of(shape) == size
