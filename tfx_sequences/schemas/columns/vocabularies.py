"""Vocabularies that are given rather than computed, and how many ids columns have."""

from __future__ import annotations

from tfx_sequences.errors import SpecError, shortened
from tfx_sequences.schemas.columns.column import BucketizedColumn, CrossedColumn, IdColumn, TermColumn
from tfx_sequences.schemas.columns.local_files import read_bytes


def known_terms(column: TermColumn) -> list[str] | None:
    """The terms of the column's list or file as strings, in id order; None if it has neither.

    Raises:
        SpecError: The file is missing, empty, or has a term twice.

    >>> from tfx_sequences.schemas.columns.column import CategoricalColumn
    >>> known_terms(CategoricalColumn(key="k", dtype="int64", vocabulary_list=(7, 5)))
    ['7', '5']
    >>> known_terms(CategoricalColumn(key="k")) is None
    True
    """
    if column.vocabulary_list is not None:
        return _checked([str(term) for term in column.vocabulary_list], column)
    if column.vocabulary_file is None:
        return None
    terms = read_lines(column.vocabulary_file, "vocabulary_file", column.key)
    if column.vocabulary_size is not None:
        if len(terms) < column.vocabulary_size:
            raise SpecError(
                f"The vocabulary file of '{column.key}' is shorter than its vocabulary_size.",
                expected=f"at least {column.vocabulary_size} lines",
                received=f"{len(terms)} lines in {column.vocabulary_file}",
                fix="Lower vocabulary_size, or leave it out.",
            )
        terms = terms[: column.vocabulary_size]
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


def num_ids(column: IdColumn, computed_terms: int | None = None) -> int:
    """Number of ids of a column: the rows of its embedding table, the width of its indicator.

    Args:
        column: The column.
        computed_terms: Size of its vocabulary, if that is computed.

    Raises:
        SpecError: The vocabulary is computed, and `computed_terms` is not given.

    >>> from tfx_sequences.schemas.columns.column import CategoricalColumn
    >>> num_ids(CategoricalColumn(key="k", vocabulary_list=("a", "b"), num_oov_buckets=2))
    4
    """
    if isinstance(column, BucketizedColumn):
        return column.num_ids
    if isinstance(column, CrossedColumn):
        return column.hash_bucket_size
    if not isinstance(column, TermColumn):
        raise TypeError(f"not a column of ids: {column!r}")
    if column.num_ids_given is not None:
        return column.num_ids_given
    listed = known_terms(column)
    terms = computed_terms if listed is None else len(listed)
    if terms is None:
        raise SpecError(
            f"Column '{column.key}' has no ids yet: its vocabulary is computed over training data.",
            expected="vocabulary_list, vocabulary_file, num_buckets or hash_bucket_size",
            fix="Give one of them, or take the columns of a layer after adapt; in a pipeline, "
            "model_columns(spec, num_ids) gives the columns after Transform.",
        )
    return max(terms + column.oov_buckets, (column.default_value or 0) + 1)


def read_lines(file: str, field: str, key: str) -> list[str]:
    """The lines of a UTF-8 text file that the column `key` names as `field`.

    Raises:
        SpecError: It cannot be read, or is empty.
    """
    try:
        text = read_bytes(file).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"The {field} of '{key}' cannot be read: {error}",
            expected="a UTF-8 text file with one term per line",
            received=file,
            fix=f"Correct {field}.",
        ) from error
    # Not splitlines(): a term may hold the rarer line separators of Unicode.
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines == [""]:
        raise SpecError(
            f"The {field} of '{key}' is empty.",
            expected="one term per line",
            received=file,
            fix="Write the terms to it, or name another file.",
        )
    return lines


def _checked(terms: list[str], column: TermColumn) -> list[str]:
    upper = [term for term in terms if term != term.lower()] if column.lowercase else []
    if upper:
        raise SpecError(
            f"The vocabulary of '{column.key}' has terms that nothing can match.",
            expected="terms in lower case, as 'lowercase: true' makes all values",
            received=shortened(upper, 5),
            fix="Write the terms in lower case, or drop 'lowercase'.",
        )
    return terms
