"""Offsets that are another feature: which feature a name means, and which of them can be subtracted."""

import pytest

from tfx_sequences.schemas.columns.column import CategoricalColumn, NumericColumn, Scaling
from tfx_sequences.schemas.spec.offsets import check_offsets, offset_column


def number(key, *shape, offset=0.0, is_sequence=False):
    return NumericColumn(key=key, shape=shape, is_sequence=is_sequence, normalizer=Scaling(offset=offset))


OF_RECORD, OF_STEPS = number("base"), number("base", is_sequence=True)


@pytest.mark.parametrize(
    ("is_sequence", "context", "sequence", "expected"),
    [
        (True, {"base": OF_RECORD}, {"base": OF_STEPS}, OF_RECORD),
        (True, {}, {"base": OF_STEPS}, OF_STEPS),
        (False, {}, {"base": OF_STEPS}, None),
        (True, {}, {}, None),
    ],
)
def test_a_name_is_first_looked_for_in_the_context_and_never_in_the_steps_for_a_record(
    is_sequence, context, sequence, expected
):
    column = number("x", offset="base", is_sequence=is_sequence)
    assert offset_column(column, context, sequence) is expected


def test_columns_without_an_offset_have_no_other_column():
    for column in (CategoricalColumn(key="x"), NumericColumn(key="x", normalizer="z_score")):
        assert offset_column(column, {"base": OF_RECORD}, {}) is None


@pytest.mark.parametrize(
    ("column", "other", "message"),
    [
        (
            number("x", 3, offset="base"),
            number("base", 2),
            "context.x: offset: base is not a numeric column of one numb",
        ),
        (number("x", 3, offset="base"), number("base", 2), "one number, or 3"),
        (number("x", offset="base"), CategoricalColumn(key="base"), "is not a numeric column of one number$"),
        (number("x", 3, offset="base"), number("base", 3), None),
        (number("x", 3, offset="base"), number("base"), None),
        (number("x", offset="first_price"), number("base", 2), None),  # the key of a feature that has no column
    ],
)
def test_the_other_feature_has_one_number_or_as_many(column, other, message):
    context = {"x": column, "base": other}
    if message is None:
        check_offsets(context, {})
    else:
        with pytest.raises(ValueError, match=message):
            check_offsets(context, {})


@pytest.mark.parametrize("offset", ["base", "first"])
def test_a_known_future_has_no_steps_to_take_an_offset_from(offset):
    columns = {"x": number("x", offset=offset, is_sequence=True)}
    check_offsets({"base": OF_RECORD}, columns)
    with pytest.raises(ValueError, match=rf"sequence\.x: offset: {offset} is not possible where the future is known"):
        check_offsets({"base": OF_RECORD}, columns, frozenset({"x"}))
    check_offsets({}, {"x": number("x", offset=2.0, is_sequence=True)}, frozenset({"x"}))
