import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import CategoricalColumn
from tfx_sequences.schemas.columns.vocabularies import known_terms


def column(path):
    return CategoricalColumn(key="token", vocabulary_file=str(path))


def test_a_file_has_one_term_per_line(tmp_path):
    (tmp_path / "v").write_text("b\nÄ\n", "utf-8")
    assert known_terms(column(tmp_path / "v")) == ["b", "Ä"]


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("a\nb\na\n", "terms twice")])
def test_a_useless_file_is_an_error_that_names_the_feature(tmp_path, text, message):
    (tmp_path / "v").write_text(text)
    with pytest.raises(SpecError, match=f"'token'.* {message}"):
        known_terms(column(tmp_path / "v"))


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(SpecError, match="cannot be read"):
        known_terms(column(tmp_path / "v"))


def test_a_term_may_hold_any_character_but_a_line_break(tmp_path):
    (tmp_path / "v").write_bytes("a\u2028b\r\nc d\n".encode())
    assert known_terms(column(tmp_path / "v")) == ["a\u2028b", "c d"]


def test_terms_that_lower_case_can_never_match_are_an_error():
    with pytest.raises(SpecError, match="nothing can match"):
        known_terms(CategoricalColumn(key="token", vocabulary_list=("a", "B"), lowercase=True))
