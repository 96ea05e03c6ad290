"""Messages of the checks of values: each names the place, the expectation and a fix that suits the feature."""

from pathlib import Path

import pytest

from tfx_sequences.components.records import value_errors
from tfx_sequences.components.records.value_errors import Where, text, where_of
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.features.raw_features import RawFeature

WHERE = Where("3 records", "the first")


def feature(**fields):
    defaults = {"key": "x", "is_sequence": True, "dtype": "float32", "shape": (), "default": None, "role": "feature"}
    return RawFeature(**{**defaults, **fields})


def test_places_are_grouped_by_file():
    places = [(Path("a"), 7, "u"), (Path("a"), 8, None), (Path("b"), 0, None)]
    assert where_of(1, places[:1]) == Where("record 7 ('u') of a", "record 7 ('u') of a")
    assert where_of(9, places).first == "the first of 9 records: 7 ('u'), 8 of a; 0 of b"


@pytest.mark.parametrize(("value", "shown"), [(b"\xc3\xa4", "ä"), (b"\xff", "\ufffd"), (7, "7"), (1.5, "1.5")])
def test_terms_as_text(value, shown):
    assert text(value) == shown


@pytest.mark.parametrize(
    ("role", "name", "fix"),
    [
        ("feature", "context.x", "Set `default_value` at context.x in the spec, or write 'x' to these records."),
        ("label", "the label 'x'", "Write 'x' to these records, or remove them."),
    ],
)
def test_only_a_column_can_have_a_default(role, name, fix):
    message = str(value_errors.missing(name, feature(role=role, is_sequence=False), WHERE))
    assert message.startswith(f"{name[0].upper() if role == 'label' else name[0]}{name[1:]} is missing.")
    assert "no value in 3 records" in message and message.endswith(fix)


@pytest.mark.parametrize(
    ("fields", "options", "parts"),
    [
        (
            {"shape": (3,)},
            {"step": 2},
            [
                "sequence.x has a step with a wrong number of values.",
                "3 values (shape [3]) per step, or no values if it is missing",
                "2 values in step 2 of the first",
                "Write `shape: [2]` at sequence.x",
            ],
        ),
        (
            {"dtype": "string"},
            {"step": 0, "numeric": False},
            ["1 value per step", "Write one term per step, or set `multi_valued: true` at sequence.x"],
        ),
        ({"shape": (3,)}, {}, ["does not divide into steps", "a multiple of 3 values, because the shape is [3]"]),
        ({"shape": (3,), "is_sequence": False}, {}, ["has a record with a wrong number", "per record\n"]),
        (
            {"role": "label"},
            {"step": 1},
            ["has several values.", "one value in each step", "or correct the label's type and shape (or horizon)"],
        ),
        ({"role": "label", "shape": (3,)}, {}, ["a different number of values than the 3 of its shape"]),
        (
            {"role": "step_weight"},
            {"step": 1},
            ["Write one value as 'x' of each step.", "2 values in step 1 of the first"],
        ),
    ],
)
def test_a_wrong_number_of_values(fields, options, parts):
    arguments = {"numeric": True, "number": 2, "step": None, "where": WHERE, **options}
    message = str(value_errors.wrong_count("sequence.x", feature(**fields), **arguments))
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("number", "fix"),
    [(12, "Write `shape: [3]` at sequence.x"), (7, "Correct `encoding` and `shape`"), (0, "Correct `encoding`")],
)
def test_bytes_of_another_length_give_the_shape_that_would_fit(number, fix):
    message = str(value_errors.unfit_bytes("sequence.x", ByteLayout("float32", 2), number, 1, WHERE))
    assert f"{number} bytes in step 1 of the first" in message and fix in message


@pytest.mark.parametrize(
    ("steps", "horizon", "parts"),
    [
        (
            1,
            4,
            ["at least one step of history, and after it the 4 steps of the horizon", "1 step in", "shorten `horizon`"],
        ),
        (0, 0, ["at least one step of history\n", "0 steps in the first", "fix:      Remove these records."]),
    ],
)
def test_a_series_without_history(steps, horizon, parts):
    message = str(value_errors.no_history("the label 'y'", steps, horizon, WHERE))
    for part in parts:
        assert part in message


def test_unknown_terms_are_listed_after_the_first_with_the_closest_known_one():
    unknown = ["dgo", "x1", "x2", "x3", "x4"]
    message = str(value_errors.unknown_term("sequence.x", unknown, ["cat", "dog"], WHERE))
    assert "'dgo' in 3 records; and 'x1', 'x2', 'x3'" in message and "Did you mean 'dog'?" in message
    message = str(value_errors.unknown_class("label.classes", "y", ["Pos"], ["pos", "neg"], WHERE))
    assert "that `label.classes` does not list" in message and "The closest is 'pos'." in message


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (
            value_errors.no_image("the x", b"GIF89a..", "png", WHERE),
            ["The x has a value", "8 bytes that begin with b'GIF"],
        ),
        (
            value_errors.not_text("sequence.x", b"\xff\0", WHERE),
            ["terms in UTF-8", r"2 bytes that start with b'\xff\x00'"],
        ),
        (
            value_errors.no_label("the label 'y'", 2, WHERE),
            ["no value in step 2 of the first", "`missing_label: ignore`"],
        ),
        (
            value_errors.gap("sequence.x", 1, WHERE),
            ["no value in step 1 of the first", "`default_value` at sequence.x"],
        ),
        (value_errors.not_binary("the label 'y'", 0.5, WHERE), ["neither 0 nor 1", "0.5 in the first"]),
        (value_errors.unequal_steps("a 2, b 3", WHERE), ["a 2, b 3 steps in the first", "`timestamps`"]),
        (value_errors.not_finite("context.x", float("inf"), WHERE), ["inf in the first", "clip or omit infinities"]),
        (value_errors.negative_weight("the weight 'w'", -0.5, WHERE), ["a number of at least 0", "-0.5 in the first"]),
        (
            value_errors.out_of_range("context.x", 5, 9, WHERE),
            ["ids from 0 to 4", "9 in the first", "Raise `num_buckets`"],
        ),
        (value_errors.no_term("sequence.x", True, WHERE), ["has no value in a step", "no value in 3 records"]),
        (value_errors.no_term("context.x", False, WHERE), ["has no value in some records"]),
    ],
)
def test_every_fault_has_its_words(error, parts):
    for part in parts:
        assert part in str(error)
