import pytest
import tensorflow as tf

from tfx_sequences.components.features.tokens import check_pattern, split_tokens
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import TextColumn


def tokens(strings, **options):
    split = split_tokens(tf.constant(strings), TextColumn(key="t", **options))
    return [[token.decode("utf-8", "surrogateescape") for token in row] for row in split.to_list()]


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ({}, " two\twords\n", ["two", "words"]),
        ({}, "", []),
        ({}, "   ", []),
        ({"lowercase": True}, "ÄRGER Is", ["ärger", "is"]),
        ({"split": "regex", "pattern": r"\W+"}, "a, b;c", ["a", "b", "c"]),
        ({"split": "regex", "pattern": ","}, ",a,,b,", ["a", "b"]),
        ({"split": "characters"}, "né", ["n", "é"]),
        ({"split": "characters", "lowercase": True}, "A b", ["a", " ", "b"]),
    ],
)
def test_text_is_split(options, text, expected):
    assert tokens([text, "x"], **options)[0] == expected


def test_bytes_are_split_even_where_they_are_no_text():
    split = split_tokens(tf.constant([b"\xff\x00a"]), TextColumn(key="t", split="bytes"))
    assert split.to_list() == [[b"\xff", b"\x00", b"a"]]


def test_characters_of_bytes_that_are_no_text_are_replaced():
    split = split_tokens(tf.constant([b"a\xff"]), TextColumn(key="t", split="characters"))
    assert split.to_list() == [[b"a", "\ufffd".encode()]]


def test_a_pattern_that_tensorflow_does_not_take_is_named():
    # Python's regular expressions have look-ahead; RE2 does not.
    with pytest.raises(SpecError, match=r"pattern of 't'[\s\S]*RE2[\s\S]*x\(\?=y\)"):
        check_pattern(TextColumn(key="t", split="regex", pattern="x(?=y)"))
