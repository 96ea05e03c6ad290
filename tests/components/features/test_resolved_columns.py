import json

import pytest

import tfx_sequences as tfs
from tfx_sequences.components.features.resolved_columns import checked_columns, column_from_config, resolved
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.columns.column import BucketizedColumn, NumericColumn, Scaling

COLUMNS = [
    tfs.sequence_numeric_column("x", shape=(2, 3), normalizer=Scaling(offset=(0.0,) * 6)),
    BucketizedColumn(key="b", boundaries=(1.0, 2.0)),
    tfs.embedding_column(tfs.categorical_column_with_vocabulary_list("k", ("a", "b")), 3, max_norm=1.0),
    tfs.indicator_column(tfs.sequence_text_column("t", split="regex", pattern=",")),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: c.type)
def test_a_column_comes_back_from_its_json(column):
    assert column_from_config(json.loads(json.dumps(column.model_dump(mode="json")))) == column
    assert column_from_config(column) is column


@pytest.mark.parametrize("normalizer", ["auto", "quantile"])
def test_statistics_that_adapt_does_not_compute_are_not_in_a_layer(normalizer):
    column = tfs.sequence_numeric_column("x", normalizer=normalizer)
    with pytest.raises(UserInputError, match=rf"'x' needs statistics[\s\S]*'per_record'[\s\S]*'{normalizer}'"):
        checked_columns([column], "SequenceFeatures", True)


def test_nor_are_quantiles_and_scales_of_records():
    buckets = BucketizedColumn(key="b", shape=(2,), num_buckets=4, is_sequence=True)
    with pytest.raises(UserInputError, match=r"'b' needs statistics[\s\S]*num_buckets"):
        checked_columns([buckets], "SequenceFeatures", True)
    scaled = NumericColumn(key="x", normalizer="per_record", scale_feature=True, is_sequence=True)
    with pytest.raises(UserInputError, match=r"'x' needs statistics[\s\S]*scale_feature"):
        checked_columns([scaled], "SequenceFeatures", True)


def test_what_is_no_column_is_refused():
    with pytest.raises(SpecError, match=r"not a column[\s\S]*builtins.int"):
        column_from_config(3)
    with pytest.raises(SpecError, match="Did you mean 'numeric'"):
        column_from_config({"type": "numerical", "key": "x"})


@pytest.mark.parametrize("dtype", ["string", "int64"])
def test_a_vocabulary_file_becomes_its_terms(tmp_path, dtype):
    path = tmp_path / "v.txt"
    path.write_text("7\n8\n9\n", "utf-8")
    column = tfs.categorical_column_with_vocabulary_file("k", str(path), vocabulary_size=2, dtype=dtype)
    path_free = resolved(column)
    assert path_free.vocabulary_file is None and path_free.vocabulary_size is None
    assert path_free.vocabulary_list == (("7", "8") if dtype == "string" else (7, 8))
    assert resolved(path_free) is path_free


def test_other_columns_stay_as_they_are():
    column = NumericColumn(key="x")
    assert resolved(column) is column
