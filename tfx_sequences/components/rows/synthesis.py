"""Random records that a spec accepts, for tests of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from tfx_sequences.components.rows import wire
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.schemas.columns.column import CategoricalColumn, TextColumn, TimeColumn
from tfx_sequences.schemas.columns.column_base import BaseColumn
from tfx_sequences.schemas.columns.time_units import TICKS
from tfx_sequences.schemas.columns.vocabularies import known_terms
from tfx_sequences.schemas.features.raw_features import RawFeature, raw_features
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

_START = 1_704_067_200  # 2024, in seconds
_TERMS, _CLASSES, _MOST_VALUES, _MOST_WORDS = 10, 3, 3, 8
_TYPES = {"string": pa.binary(), "int64": pa.int64(), "float32": pa.float32()}


def synthesize(
    spec: SequenceSpec, num_records: int, *, seed: int = 0, shortest: int = 1, longest: int = 20
) -> list[bytes]:
    """Serialized records with random values of every feature that a spec reads: the same for the same seed.

    Numbers are normal, integers from 0 to 99, terms those of the vocabulary or ten terms, times some minutes apart. A
    label does not depend on the features, so that nothing can be learnt from it.

    Args:
        spec: The spec.
        num_records: Number of records.
        seed: Seed of the values.
        shortest: The smallest number of steps.
        longest: The greatest number of steps.

    Raises:
        SpecError: The spec has images or numbers in bytes.
        UserInputError: `shortest` is greater than `longest`, or a number is negative.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> records = synthesize(load_spec("japanese_vowels"), 3)
    >>> len(records), records == synthesize(load_spec("japanese_vowels"), 3)
    (3, True)
    """
    if not 0 <= shortest <= longest or num_records < 0:
        raise UserInputError(
            "Records of these lengths cannot be made.",
            expected="0 <= shortest <= longest, and a number of records of at least 0",
            received=f"shortest {shortest}, longest {longest}, {num_records} records",
            fix="Correct the numbers.",
        )
    random = np.random.default_rng(seed)
    values = _Values(spec, random)
    steps = {"": random.integers(shortest, longest + 1, num_records)}
    context, lists = {}, {}
    for feature in raw_features(spec):
        if feature.is_sequence:
            if feature.clock not in steps:
                steps[feature.clock] = random.integers(shortest, longest + 1, num_records)
            lengths = steps[feature.clock]
        else:
            lengths = np.ones(num_records, np.int64)
        counts = values.counts(feature, int(lengths.sum()))
        flat = pa.array(values.of(feature, lengths, counts), _TYPES[feature.dtype])
        dtype: wire.Dtype = feature.dtype  # type: ignore[assignment]
        each = wire.merged(wire.contents(flat, dtype), _ends(counts))
        if not feature.is_sequence:
            context[feature.key] = wire.context_entry(feature.key, dtype, each)
        elif spec.payload == "Example":
            context[feature.key] = wire.context_entry(feature.key, dtype, wire.merged(each, _ends(lengths)))
        else:
            lists[feature.key] = wire.list_entry(feature.key, dtype, each, _ends(lengths))
    if not num_records:
        return []
    records = wire.examples(context) if spec.payload == "Example" else wire.sequence_examples(context, lists)
    return [bytes(record) for record in records.to_pylist()]


def _ends(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


class _Values:
    """Random values of the features of a spec."""

    def __init__(self, spec: SequenceSpec, random: np.random.Generator) -> None:
        self._random = random
        self._columns: dict[tuple[bool, str], BaseColumn] = {}
        for column in spec.columns.values():
            place = not is_from_context(column), column.key
            known = self._columns.get(place)
            # A feature of several columns has values that fit the one that restricts them.
            if known is None or not isinstance(known, CategoricalColumn | TimeColumn):
                self._columns[place] = column
        self._labels = {(label.per_step, label.key): label for label in spec.heads.values()}
        # Features whose values belong together, such as terms and their weights, have equal numbers of values.
        self._partners: dict[tuple[bool, str], tuple[bool, str]] = {}
        for column in spec.columns.values():
            if isinstance(column, CategoricalColumn) and column.weighted_by:
                self._partners[column.is_sequence, column.weighted_by] = (column.is_sequence, column.key)
        self._counted: dict[tuple[bool, str], np.ndarray] = {}

    def counts(self, feature: RawFeature, number: int) -> np.ndarray:
        """The number of values in each step or record, int `[N]`."""
        if not feature.multi_valued:
            return np.full(number, feature.size)
        place = feature.is_sequence, feature.key
        place = self._partners.get(place, place)
        if place not in self._counted:
            self._counted[place] = self._random.integers(1, _MOST_VALUES + 1, number)
        return self._counted[place]

    def of(self, feature: RawFeature, lengths: np.ndarray, counts: np.ndarray) -> Any:
        """All values of a feature, one after another.

        Args:
            feature: The feature.
            lengths: int `[R]`: number of steps of each record.
            counts: int `[N]`: number of values of each step or record.
        """
        if feature.layout is not None or feature.image is not None:
            raise SpecError(
                f"Values of '{feature.key}' cannot be made.",
                expected="numbers, terms, texts and times",
                received="images" if feature.image is not None else "numbers in bytes",
                fix="Write records of your own for this spec.",
            )
        number = int(counts.sum())
        label = self._labels.get((feature.is_sequence, feature.key))
        column = self._columns.get((feature.is_sequence, feature.key))
        if label is not None and not label.is_cut_out:
            return self._of_label(label, number)
        if feature.role == "id":
            return np.arange(number) if feature.dtype == "int64" else [f"r{n}".encode() for n in range(number)]
        if feature.role == "timestamps" or isinstance(column, TimeColumn):
            return self._times(feature, column, lengths)
        if feature.role in ("step_weight", "example_weight", "mase_scale"):
            weights = self._random.integers(1, 4, number)
            return weights if feature.dtype == "int64" else weights.astype(np.float32)
        if isinstance(column, TextColumn):
            return self._texts(number)
        if feature.dtype == "float32":
            return self._random.normal(size=number).astype(np.float32)
        return self._terms(column, feature.dtype, number)

    def _terms(self, column: BaseColumn | None, dtype: str, number: int) -> Any:
        terms = known_terms(column) if isinstance(column, CategoricalColumn) else None
        if terms:
            chosen = self._random.choice(np.array(terms, object), number)
            return [int(term) if dtype == "int64" else term.encode() for term in chosen]
        if dtype == "int64":
            limit = column.num_buckets if isinstance(column, CategoricalColumn) else None
            return self._random.integers(0, limit or 100, number)
        return [f"term{n}".encode() for n in self._random.integers(0, _TERMS, number)]

    def _texts(self, number: int) -> list[bytes]:
        words = self._random.integers(0, _TERMS, (number, _MOST_WORDS))
        lengths = self._random.integers(1, _MOST_WORDS + 1, number)
        return [
            " ".join(f"word{word}" for word in row[:length]).encode()
            for row, length in zip(words, lengths, strict=True)
        ]

    def _times(self, feature: RawFeature, column: BaseColumn | None, lengths: np.ndarray) -> np.ndarray:
        """Increasing times of each record."""
        gaps = self._random.integers(1, 600, int(lengths.sum()))
        ends = _ends(lengths)
        total = np.cumsum(gaps)
        begins = np.repeat(np.concatenate([[0], total])[ends[:-1]], lengths)
        ticks = TICKS[column.unit] if isinstance(column, TimeColumn) else 1
        if not isinstance(column, TimeColumn):
            return (total - begins).astype(np.float32 if feature.dtype == "float32" else np.int64)
        times = (_START + total - begins) * ticks
        return times.astype(np.float32) if feature.dtype == "float32" else times

    def _of_label(self, label: Label, number: int) -> Any:
        classes = label.given_classes
        if label.type == "distribution":
            size = max(label.shape, default=1)
            return self._random.dirichlet(np.ones(size), number // size).astype(np.float32).ravel()
        if label.type == "multi_label" and label.shape:
            marks = self._random.integers(0, 2, number)
            return marks if label.dtype == "int64" else marks.astype(np.float32)
        if label.type not in ("classification", "multi_label"):
            numbers = self._random.normal(size=number)
            return numbers.astype(np.float32) if label.dtype == "float32" else (10 * numbers).astype(np.int64)
        if classes is None:
            classes = tuple(str(n) if label.dtype == "int64" else f"class{n}" for n in range(_CLASSES))
        chosen = self._random.choice(np.array(classes, object), number)
        return [int(name) if label.dtype == "int64" else name.encode() for name in chosen]
