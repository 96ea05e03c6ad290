"""Normalizers with statistics by key, as a spec declares them and as a column reads their keys."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.columns.column_base import FurtherFeature
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy


@pytest.mark.parametrize(
    ("is_sequence", "source", "of_steps"),
    [(True, None, True), (True, "context", False), (True, "sequence", True), (False, None, False)],
)
def test_the_keys_are_read_where_the_values_are_unless_said_otherwise(is_sequence, source, of_steps):
    normalizer = ZScoreBy(z_score_by="lab_test", dtype="int64", source=source)
    column = NumericColumn(key="value", is_sequence=is_sequence, normalizer=normalizer)
    assert column.further_features == (FurtherFeature("lab_test", of_steps, "int64"),)
    assert column.method == "z_score_by"


def test_a_record_has_no_steps_with_keys():
    with pytest.raises(pydantic.ValidationError, match="source: sequence is for a column among the sequence features"):
        NumericColumn(key="value", normalizer=ZScoreBy(z_score_by="lab_test", source="sequence"))


def test_a_key_is_needed():
    with pytest.raises(pydantic.ValidationError, match="at least 1 character"):
        ZScoreBy(z_score_by="")
