"""Vocabularies that are given rather than computed."""

from __future__ import annotations

from tfx_sequences.errors import SpecError, shortened
from tfx_sequences.schemas.columns import CategoricalColumn


def known_terms(column: CategoricalColumn) -> list[str] | None:
    """The terms of the column's list or file as strings, in id order; None if it has neither.

    Raises:
        SpecError: The file is missing, empty, or has a term twice.

    >>> known_terms(CategoricalColumn(key="k", dtype="int64", vocabulary_list=(7, 5)))
    ['7', '5']
    >>> known_terms(CategoricalColumn(key="k")) is None
    True
    """
    if column.vocabulary_list is not None:
        return _checked([str(term) for term in column.vocabulary_list], column)
    if column.vocabulary_file is None:
        return None
    # Not splitlines(): a term may hold the rarer line separators of Unicode.
    terms = _read_text(column).replace("\r\n", "\n").removesuffix("\n").split("\n")
    if terms == [""]:
        raise SpecError(
            f"The vocabulary file of '{column.key}' is empty.",
            expected="one term per line",
            received=column.vocabulary_file,
            fix="Write the terms to it, or name another file.",
        )
    if len(set(terms)) < len(terms):
        seen: set[str] = set()
        twice = [t for t in terms if t in seen or seen.add(t)]  # type: ignore[func-returns-value]
        raise SpecError(
            f"The vocabulary file of '{column.key}' has terms twice.",
            expected="one term per line, each once",
            received=f"{shortened(twice, 5)} in {column.vocabulary_file}",
            fix="Remove the repeated lines.",
        )
    return _checked(terms, column)


def _checked(terms: list[str], column: CategoricalColumn) -> list[str]:
    upper = [term for term in terms if term != term.lower()] if column.lowercase else []
    if upper:
        raise SpecError(
            f"The vocabulary of '{column.key}' has terms that nothing can match.",
            expected="terms in lower case, as 'lowercase: true' makes all values",
            received=shortened(upper, 5),
            fix="Write the terms in lower case, or drop 'lowercase'.",
        )
    return terms


def _read_text(column: CategoricalColumn) -> str:
    file = str(column.vocabulary_file)
    try:
        if "://" in file:
            import tensorflow as tf

            return tf.io.gfile.GFile(file, "r").read()
        with open(file, encoding="utf-8") as opened:
            return opened.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"The vocabulary file of '{column.key}' cannot be read: {error}",
            expected="a UTF-8 text file with one term per line",
            received=file,
            fix="Mend vocabulary_file.",
        ) from error
