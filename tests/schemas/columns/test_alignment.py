"""How lists with their own timestamps are declared."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.alignment import Alignment
from tfx_sequences.schemas.columns.column import (
    BucketizedColumn,
    CategoricalColumn,
    NumericColumn,
    TextColumn,
    TimeColumn,
)

CATEGORICAL = CategoricalColumn(key="x", is_sequence=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": ""}, "at least 1 character"),
        ({"method": "linear"}, "'previous', 'nearest', 'interpolate' or 'collect'"),
        ({"tolerance": -1.0}, "greater than or equal to 0"),
        ({"dtype": "string"}, "'float32' or 'int64'"),
    ],
)
def test_what_no_alignment_can_be_is_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Alignment(**{"to": "at", **fields})


@pytest.mark.parametrize(
    ("column", "methods"),
    [
        (NumericColumn(key="x", is_sequence=True), {"previous", "nearest", "interpolate"}),
        (NumericColumn(key="x", is_sequence=True, normalizer={"z_score_by": "k"}), {"previous", "nearest"}),
        (NumericColumn(key="x", is_sequence=True, encoding="uint8"), {"previous", "nearest"}),
        (BucketizedColumn(key="x", is_sequence=True, boundaries=(1.0,)), {"previous", "nearest", "interpolate"}),
        (CATEGORICAL, {"previous", "nearest"}),
        (CATEGORICAL.model_copy(update={"multi_valued": True}), {"previous", "nearest", "collect"}),
        (TimeColumn(key="x", is_sequence=True), set()),
        (TextColumn(key="x", is_sequence=True), {"previous", "nearest"}),
    ],
)
def test_methods_suit_the_values_of_the_column(column, methods):
    assert set(column.alignments) == methods
