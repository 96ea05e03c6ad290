"""The error messages of the value checks: one function per fault."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.places import named, place
from tfx_sequences.errors import DataError, closest_name, did_you_mean, shortened
from tfx_sequences.schemas.columns.byte_numbers import ByteLayout
from tfx_sequences.schemas.features.raw_features import RawFeature


class Where(NamedTuple):
    """The records with a fault, as text for messages.

    Attributes:
        each: Text for statements about all of them.
        first: Text for statements about the first one.
    """

    each: str
    first: str


def where_of(count: int, places: Sequence[tuple[AnyPath, int, str | None]]) -> Where:
    """`count` records, the first of which are at `places`: file, index and id.

    >>> from pathlib import Path
    >>> where_of(1, [(Path("a"), 7, "u")]).first
    "record 7 ('u') of a"
    >>> where_of(9, [(Path("a"), 7, "u"), (Path("a"), 8, None), (Path("b"), 0, None)]).each
    "9 records, the first: 7 ('u'), 8 of a; 0 of b"
    """
    if count == 1:
        only = place(*places[0])
        return Where(only, only)
    files = itertools.groupby(places, key=lambda at: at[0])
    listed = "; ".join(f"{', '.join(named(i, identity) for _, i, identity in group)} of {f}" for f, group in files)
    return Where(f"{count} records, the first: {listed}", f"the first of {count} records: {listed}")


def text(value: Any) -> str:
    """A term or class as text for messages.

    >>> text(b"x"), text(7)
    ('x', '7')
    """
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def missing(name: str, feature: RawFeature, where: Where) -> DataError:
    """A required context feature is missing."""
    fix = f"Write '{feature.key}' to these records, or remove them."
    if feature.role == "feature":
        fix = f"Set `default_value` at {name} in the spec, or write '{feature.key}' to these records."
    return DataError(
        f"{_capital(name)} is missing.",
        expected=f"'{feature.key}' in the context of every record",
        received=f"no value in {where.each}",
        fix=fix,
    )


def wrong_count(
    name: str, feature: RawFeature, *, numeric: bool, number: int, step: int | None, where: Where
) -> DataError:
    """A step (or record) has more or fewer values than the column's shape: `number` of them."""
    size, shape = feature.size, list(feature.shape)
    per_step = step is not None
    received = f"{number} values in {f'step {step} of ' if per_step else ''}{where.first}"
    plural = "value" if size == 1 else f"values (shape {shape})"
    if feature.role != "feature":
        each = "step" if per_step else "record"
        one = f"one value in each {each}"
        return DataError(
            f"{_capital(name)} has "
            f"{'several values' if size == 1 else f'a different number of values than the {size} of its shape'}.",
            expected=one if size == 1 else f"{size} {plural} in each {each}",
            received=received,
            fix=f"Write {'one value' if size == 1 else f'{size} values'} as '{feature.key}' of each {each}"
            + ("." if feature.role != "label" else ", or correct the label's type and shape (or horizon) in the spec."),
        )
    if feature.is_sequence and not per_step:
        return DataError(
            f"{name} does not divide into steps.",
            expected=f"a multiple of {size} values, because the shape is {shape}",
            received=received,
            fix=f"Correct `shape` at {name} in the spec, or the records.",
        )
    unit = "step" if per_step else "record"
    if numeric:
        fix = f"Write `shape: [{number}]` at {name} in the spec if all records are like this, or correct the records."
    else:
        fix = f"Write one term per {unit}, or set `multi_valued: true` at {name} in the spec."
    return DataError(
        f"{name} has a {unit} with a wrong number of values.",
        expected=f"{size} {plural} per {unit}{', or no values if it is missing' * per_step}",
        received=received,
        fix=fix,
    )


def unfit_bytes(name: str, layout: ByteLayout, number: int, step: int | None, where: Where) -> DataError:
    """A bytes value does not contain the numbers of its column: it has `number` bytes."""
    fix = f"Correct `encoding` and `shape` at {name} in the spec, or the records."
    if layout.num_bytes and number and number % (layout.num_bytes // layout.size) == 0:
        numbers = number // (layout.num_bytes // layout.size)
        fix = f"Write `shape: [{numbers}]` at {name} in the spec if all records are like this, or correct the records."
    return DataError(
        f"{_capital(name)} has bytes that do not match its shape.",
        expected=f"{layout} in each {'record' if step is None else 'step'}",
        received=f"{number} bytes in {'' if step is None else f'step {step} of '}{where.first}",
        fix=fix,
    )


def no_image(name: str, value: bytes, encoding: str, where: Where) -> DataError:
    """A bytes value cannot be decoded as the image that its column says it is."""
    return DataError(
        f"{_capital(name)} has a value that is not an image.",
        expected=f"images of encoding {encoding}, of the column's size if they are raw",
        received=f"{len(value)} bytes that begin with {value[:8]!r} in {where.first}",
        fix=f"Correct `encoding` at {name} in the spec, or the records.",
    )


def not_text(name: str, value: bytes, where: Where) -> DataError:
    """The terms of a column are bytes that a vocabulary cannot contain."""
    return DataError(
        f"{_capital(name)} contains bytes that are not text.",
        expected="terms in UTF-8",
        received=f"{len(value)} bytes that start with {value[:8]!r} in {where.first}",
        fix=f"Write `type: numeric`, `encoding` and `shape` at {name} in the spec if the bytes are numbers, remove "
        "the column, or write text.",
    )


def no_label(name: str, step: int, where: Where) -> DataError:
    """A step without a value that its label needs."""
    return DataError(
        f"{_capital(name)} is missing in a step.",
        expected="a value in every step",
        received=f"no value in step {step} of {where.first}",
        fix="Write a value to each step. `missing_label: ignore` at the label leaves out steps that do not have one.",
    )


def no_history(name: str, steps: int, horizon: int, where: Where) -> DataError:
    """A series that is too short for a forecast."""
    behind = f", and after it the {horizon} steps of the horizon" if horizon else ""
    return DataError(
        f"{_capital(name)} is a forecast target, but has no history.",
        expected=f"at least one step of history{behind}",
        received=f"{steps} step{'' if steps == 1 else 's'} in {where.first}",
        fix="Remove these records, or shorten `horizon` at the label." if horizon else "Remove these records.",
    )


def gap(name: str, step: int, where: Where) -> DataError:
    """A step of a forecast target does not have a value."""
    return DataError(
        f"{_capital(name)} is a forecast target, but is missing in a step.",
        expected="a value in every step",
        received=f"no value in step {step} of {where.first}",
        fix=f"Write a value to each step, or set `default_value` at {name} in the spec.",
    )


def not_binary(name: str, value: float, where: Where) -> DataError:
    """A vector of a multi_label with values other than 0 and 1."""
    return DataError(
        f"{_capital(name)} has a value that is neither 0 nor 1.",
        expected="1 for each class that is present, 0 for the others",
        received=f"{value:g} in {where.first}",
        fix="Write 0 and 1; for a vector of other numbers, set `type: regression` at the label in the spec.",
    )


def unequal_steps(lengths: str, where: Where) -> DataError:
    """The sequence features of a record have different numbers of steps."""
    return DataError(
        "Sequence features of one record have different numbers of steps.",
        expected="the same number for all; an empty list of values in a step means a missing value",
        received=f"{lengths} steps in {where.first}",
        fix="Fill the shorter ones with empty steps, remove one feature from the spec, or declare `timestamps` and "
        "`align` for a list that was measured at other times. A list that a record lacks is missing in all steps.",
    )


def not_finite(name: str, value: float, where: Where) -> DataError:
    """A NaN or an infinity."""
    return DataError(
        f"{_capital(name)} has a value that is not finite.",
        expected="finite numbers",
        received=f"{value} in {where.first}",
        fix="Omit a missing value; clip or omit infinities.",
    )


def negative_weight(name: str, value: float, where: Where) -> DataError:
    """A negative weight, which would reverse learning."""
    return DataError(
        f"{_capital(name)} is negative.",
        expected="a number of at least 0",
        received=f"{value:g} in {where.first}",
        fix="Write 0 to exclude a record from loss and metrics.",
    )


def out_of_range(name: str, buckets: int, value: int, where: Where) -> DataError:
    """An id without a row in the table."""
    return DataError(
        f"{name} has an id out of range.",
        expected=f"ids from 0 to {buckets - 1}, because of `num_buckets: {buckets}`",
        received=f"{value} in {where.first}",
        fix=f"Raise `num_buckets` at {name} in the spec, or set `default_value`, the id for values out of range.",
    )


def no_term(name: str, per_step: bool, where: Where) -> DataError:
    """A missing value in a column without an id for it."""
    return DataError(
        f"{name} has no value in {'a step' if per_step else 'some records'}, and no id for unknown terms.",
        expected="a value, or an id that stands for a missing one",
        received=f"no value in {where.each}",
        fix=f"Set `default_value` at {name} in the spec (or `num_oov_buckets: 1` with a vocabulary).",
    )


def unknown_term(name: str, unknown: Sequence[str], terms: list[str], where: Where) -> DataError:
    """A term that is not in the given vocabulary, without an id for unknown terms; `where` is about the first."""
    return DataError(
        f"{name} has a term that is not in its vocabulary.",
        expected=f"one of {shortened(terms)}",
        received=f"'{unknown[0]}' in {where.each}{_more(unknown)}",
        fix=f"Add it to the vocabulary, or set `num_oov_buckets: 1` or `default_value` at {name} in the spec."
        f"{did_you_mean(unknown[0], terms)}",
    )


def unknown_class(listed: str, key: str, unknown: Sequence[str], classes: list[str], where: Where) -> DataError:
    """A class that the spec does not list (in `listed`); `where` is about the first."""
    closest = closest_name(unknown[0], classes)
    return DataError(
        f"The label '{key}' has a class that `{listed}` does not list.",
        expected=f"one of {shortened(classes)}",
        received=f"'{unknown[0]}' in {where.each}{_more(unknown)}",
        fix="Add it to `classes` in the spec, or correct the records."
        + (f" The closest is '{closest}'." * bool(closest)),
    )


def _more(unknown: Sequence[str]) -> str:
    return f"; and {shortened(unknown[1:], 3)}" if len(unknown) > 1 else ""


def _capital(name: str) -> str:
    return name[0].upper() + name[1:] if name.startswith("the ") else name
