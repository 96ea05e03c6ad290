"""The column for one feature of a schema, and the notes on what was guessed."""

import pytest

from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.proposal.proposed_columns import proposed_column
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature


def proposed(dtype, shape, *, is_sequence=True, in_sequence=None, record="SequenceExample", **more):
    feature = SchemaFeature("x", is_sequence, dtype, shape, **more)
    return proposed_column(feature, in_sequence=is_sequence if in_sequence is None else in_sequence, record=record)


@pytest.mark.parametrize(
    ("dtype", "shape", "more", "expected"),
    [
        ("float32", (2, 3), {}, {"type": "numeric", "shape": (2, 3), "dtype": "float32"}),
        ("int64", (), {}, {"type": "numeric", "shape": (), "dtype": "int64"}),
        ("int64", (), {"is_categorical": True}, {"type": "categorical", "dtype": "int64"}),
        ("int64", (), {"terms": ("7", "-5")}, {"type": "categorical", "dtype": "int64", "vocabulary_list": (7, -5)}),
        ("int64", None, {}, {"type": "categorical", "dtype": "int64", "multi_valued": True}),
        ("string", (), {"is_text": True}, {"type": "text", "source": "sequence"}),
        (
            "string",
            (),
            {"terms": ("b", "a")},
            {"type": "categorical", "dtype": "string", "vocabulary_list": ("b", "a")},
        ),
        ("string", (3,), {}, {"type": "categorical", "dtype": "string", "multi_valued": True}),
    ],
)
def test_dtype_shape_and_domain_decide_the_column(dtype, shape, more, expected):
    assert proposed(dtype, shape, **more)[0] == expected


def test_a_text_of_the_context_can_be_the_steps():
    assert proposed("string", (), is_sequence=False, in_sequence=True) == ({"type": "text"}, [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dtype": "float32", "shape": None}, "a varying number of values per step, but a numeric column has a fixed"),
        ({"dtype": "float32", "shape": None, "is_sequence": False}, "a varying number of values per record"),
        ({"dtype": "string", "shape": None, "record": "Example"}, "several terms per step"),
    ],
)
def test_a_feature_that_no_column_can_read_has_a_reason(fields, reason):
    column, [note] = proposed(**fields)
    assert column is None
    assert note.startswith(reason)


@pytest.mark.parametrize(
    ("more", "default", "noted"),
    [
        ({"default": 1.5, "is_represented": True}, 1.5, False),
        ({"is_optional": True}, 0.0, True),
        ({"is_optional": True, "is_represented": True}, None, False),
        ({}, None, False),
        ({"is_optional": True, "is_sequence": True}, None, False),
    ],
)
def test_a_number_that_may_be_missing_has_a_default(more, default, noted):
    column, notes = proposed("float32", (), **{"is_sequence": False, **more})
    assert column.get("default_value") == default
    assert bool(notes) == noted


@pytest.mark.parametrize(
    ("more", "default"),
    [
        ({"default": 3}, 3),
        ({"default": 7}, None),  # out of range
        ({"default": MISSING_INT}, -1),
        ({"is_optional": True}, -1),
        ({"is_optional": True, "is_sequence": True}, None),
    ],
)
def test_an_id_that_may_be_missing_has_a_default(more, default):
    fields = {"is_sequence": False, "is_categorical": True, "id_range": (0, 6), **more}
    column, _ = proposed("int64", (), **fields)
    assert (column["num_buckets"], column.get("default_value")) == (7, default)


def test_large_domains_are_noted():
    column, [note] = proposed("string", (), terms=tuple(map(str, range(1_001))))
    assert "vocabulary_list" not in column and "1001 terms" in note
    column, [note] = proposed("int64", (), is_categorical=True, id_range=(0, 1_000_000))
    assert column["num_buckets"] == 1_000_001 and "hash_bucket_size makes it smaller" in note
    column, [note] = proposed("int64", (), is_categorical=True, id_range=(-1, 9))
    assert "num_buckets" not in column and "from -1 to 9" in note
