"""Vectorised checks of the values of all records; collects all faults and raises the most basic one."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.records import related_values, value_errors
from tfx_sequences.components.records.batches import Batch, Rows, term_rows
from tfx_sequences.components.records.byte_faults import errors_of_bytes, errors_of_text, needs_text
from tfx_sequences.components.records.figures import Figures
from tfx_sequences.components.records.keys import feature_names
from tfx_sequences.components.records.known_terms import KnownTerms
from tfx_sequences.components.records.label_values import vector_fault
from tfx_sequences.components.records.missing_values import count_missing, incomplete_rows, labels_there, merged_counts
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.column import CategoricalColumn, TermColumn, TextColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.columns.vocabularies import known_terms
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, features_of, raw_features
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

# The order of findings: causes come before their consequences.
_LABEL, _MISSING, _COUNT, _STEPS, _FINITE, _RANGE, _TERM, _CLASS = range(8)
_PLACES = 3


@dataclasses.dataclass
class _Finding:
    error: Callable[[value_errors.Where], DataError]
    count: int = 0
    places: list[tuple[AnyPath, int, str | None]] = dataclasses.field(default_factory=list)


class ValueChecks:
    """Checks batches against a spec.

    Args:
        spec: The spec.

    Raises:
        SpecError: A vocabulary file is missing or empty, or contains a term twice.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._spec = spec
        self._found: dict[tuple[int, str], _Finding] = {}
        self._strangers: dict[tuple[int, str], dict[Any, None]] = {}
        self._features = raw_features(spec)
        self._may_be_missing = {feature_of(column).tensor_name for column in spec.columns.values()}
        self._may_be_missing |= {label.raw_name for label in spec.heads.values() if label.may_be_missing}
        self._names = feature_names(self._features, spec)
        columns = {n: c for n, c in spec.columns.items() if isinstance(c, TermColumn)}
        self._of_terms = {_tensor_name(c) for c in columns.values()}
        self._of_text = [_tensor_name(c) for c in columns.values() if needs_text(c)]
        # Read the files of all columns, so that a bad file is reported before any record.
        listed = {name: known_terms(column) for name, column in columns.items()}
        self._strict = {n: c for n, c in columns.items() if c.refuses_unknown}
        self._listed = {
            n: KnownTerms(c.term_dtype, terms) for n, c in self._strict.items() if (terms := listed[n]) is not None
        }
        shared = [names for names in computed_vocabularies(spec).values() if self._strict.keys() & set(names)]
        self._counted = {name: columns[name] for names in shared for name in names}
        # Missing values of these are reported elsewhere, are terms (''), or cannot occur (in a flat list of an
        # Example).
        required = {f.tensor_name for f in self._features if f.required}
        self._missing_told = {
            n
            for n, c in self._strict.items()
            if _tensor_name(c) in required
            or c.has_several_ids
            or isinstance(c, TextColumn)
            or (c.is_sequence and spec.record == "Example")
            or "" in (listed[n] or ())
        }
        self._classes = {
            head: KnownTerms(str(label.dtype), [str(c) for c in label.classes])
            for head, label in spec.heads.items()
            if label.classes is not None and not label.is_vector and label.unseen == "error"
        }

    def check(self, batch: Batch, figures: Sequence[Figures], parts: np.ndarray | None = None) -> np.ndarray:
        """Checks one parsed batch and updates the counts. Returns the steps of each record `[B]`.

        Args:
            batch: The batch.
            figures: Counts of its split, or of several splits if its records go to several.
            parts: For each record, the index in `figures`; None if there is only one.
        """
        for feature in self._features:
            rows = batch.rows[feature.tensor_name]
            self._check_counts(batch, feature, rows)
            if feature.dtype == "float32":
                self._check_finite(batch, feature, rows)
            for is_infinite, at, error in errors_of_bytes(rows, feature, self._names[feature.tensor_name]):
                self._add(_FINITE if is_infinite else _COUNT, feature.tensor_name, batch, at, error)
        for name in self._of_text:
            for at, error in errors_of_text(batch.rows[name], self._names[name]):
                self._add(_COUNT, name, batch, at, error)
        for feature in self._features:
            if feature.role in ("example_weight", "step_weight", "mase_scale"):
                self._check_weights(batch, feature, batch.rows[feature.tensor_name])
        parts = np.zeros(len(batch), np.int64) if parts is None else parts
        lengths = self._check_steps(batch)
        for part, its in enumerate(figures):
            its.lengths.append(lengths[parts == part])
            its.missing = merged_counts([its.missing, count_missing(batch, self._spec, parts == part)])
        for name, column in self._strict.items():
            rows = batch.rows[_tensor_name(column)]
            if name not in self._missing_told:
                self._check_no_term(batch, name, rows)
            if isinstance(column, CategoricalColumn) and column.num_buckets is not None:
                self._check_range(batch, name, column.num_buckets, rows)
            elif name in self._listed:
                self._check_terms(batch, name, term_rows(rows, column))
        for time in {time.key: None for column in self._spec.columns.values() for time in column.clock_features}:
            self._check_timestamps(batch, raw_name(time, of_steps=True))
        # Not above: it imports TensorFlow, which a folder without files does not need.
        from tfx_sequences.schemas.features.transformed_features import weighted_columns

        for name, weighted in weighted_columns(self._spec).items():
            self._check_weights_of_terms(batch, name, weighted)
        for name, column in self._counted.items():
            rows = term_rows(batch.rows[_tensor_name(column)], column)
            for its, terms in zip(figures, _divided(rows, parts, len(figures)), strict=True):
                its.terms.setdefault(name, Counter()).update(terms)
        for head, label in self._spec.heads.items():
            if label.kind.from_windows:
                self._check_forecast(batch, label, lengths)
            else:
                self._check_label(batch, head, label, figures, parts)
        return lengths

    def raise_first(self) -> None:
        """Raises the most basic fault, if there is one."""
        for _, found in sorted(self._found.items(), key=lambda item: item[0][0]):
            raise found.error(value_errors.where_of(found.count, found.places))

    def _add(
        self,
        rank: int,
        name: str,
        batch: Batch,
        at: np.ndarray,
        error: Callable[[value_errors.Where], DataError],
    ) -> None:
        """Notes that the records `at` have a fault; `error` creates the message, from where the first ones are."""
        at = np.unique(at)
        finding = self._found.setdefault((rank, name), _Finding(error))
        finding.count += len(at)
        room = _PLACES - len(finding.places)
        finding.places += [batch.place(int(i), self._spec) for i in at[:room]]

    def _check_counts(self, batch: Batch, feature: RawFeature, rows: Rows) -> None:
        counts, name, size = rows.counts, self._names[feature.tensor_name], feature.size
        if feature.required:
            missing = np.flatnonzero(counts == 0)
            if len(missing):
                rank = _LABEL if feature.role == "label" else _MISSING
                self._add(rank, name, batch, missing, lambda where: value_errors.missing(name, feature, where))
        if feature.multi_valued:
            return
        if feature.is_sequence and len(rows.splits) == 1:  # a flat list, as in an Example
            wrong = np.flatnonzero(counts % size)
        else:
            wrong = np.flatnonzero((counts != size) & (counts != 0))
        if not len(wrong):
            return
        records = rows.records_of_rows(wrong)
        number = int(counts[wrong[0]])
        step = int(wrong[0] - rows.splits[0][records[0]]) if len(rows.splits) == 2 else None
        numeric = feature.tensor_name not in self._of_terms
        self._add(
            _LABEL if feature.role == "label" else _COUNT,
            name,
            batch,
            records,
            lambda where: value_errors.wrong_count(
                name, feature, numeric=numeric, number=number, step=step, where=where
            ),
        )

    def _check_steps(self, batch: Batch) -> np.ndarray:
        """Steps of each record. Sequence features must agree; lists with timestamps must agree with these."""
        clocks: dict[str, dict[str, np.ndarray]] = {"": {}}
        for feature in self._features:
            if feature.is_sequence:
                rows = batch.rows[feature.tensor_name]
                size = feature.size if len(rows.splits) == 1 else 1
                its = clocks.setdefault(feature.clock, {})
                its[self._names[feature.tensor_name]] = np.diff(rows.splits[0]) // size
        for name, column in self._spec.columns.items():
            if column.is_sequence and is_from_context(column) and isinstance(column, TextColumn):
                clocks[""][name] = term_rows(batch.rows[_tensor_name(column)], column).counts
        tables = {clock: np.stack(list(steps.values())) for clock, steps in clocks.items()}
        for clock, table in tables.items():
            wrong = np.flatnonzero((table != table[0]).any(axis=0))
            if len(wrong):
                counts = zip(clocks[clock], table[:, wrong[0]], strict=True)
                lengths = ", ".join(f"{name} {count}" for name, count in counts)
                self._add(_STEPS, clock, batch, wrong, functools.partial(value_errors.unequal_steps, lengths))
        return tables[""].max(axis=0)

    def _check_timestamps(self, batch: Batch, name: str) -> None:
        rows = batch.rows[name]
        for wrong, error in (
            (related_values.rows_without_value(rows), related_values.missing_time),
            (related_values.rows_that_fall(rows), related_values.falling_times),
        ):
            if len(wrong):
                self._add(_MISSING, name, batch, wrong, functools.partial(error, self._names[name]))

    def _check_finite(self, batch: Batch, feature: RawFeature, rows: Rows) -> None:
        finite = np.isfinite(rows.values)
        if feature.tensor_name in self._may_be_missing:
            finite |= np.isnan(rows.values)  # missing
        if not finite.all():
            wrong, name = np.flatnonzero(~finite), self._names[feature.tensor_name]
            value = rows.values[wrong[0]]
            records = rows.records_of_values(wrong)
            self._add(_FINITE, name, batch, records, lambda where: value_errors.not_finite(name, value, where))

    def _check_label(
        self, batch: Batch, head: str, label: Label, figures: Sequence[Figures], parts: np.ndarray
    ) -> None:
        tensor_name = label.raw_name
        rows, name = batch.rows[tensor_name], self._names[tensor_name]
        if not label.may_be_missing:
            self._check_every_step(batch, tensor_name, label)
        if label.step_weight:
            self._check_every_step(batch, SEQUENCE_PREFIX + label.step_weight, label)
        if not label.has_classes:
            return
        if label.is_vector and (fault := vector_fault(name, label, rows)) is not None:
            self._add(_CLASS, name, batch, *fault)
        rows = labels_there(rows, label, only_values=True)
        for its, classes in zip(figures, _divided(rows, parts, len(figures)), strict=True):
            counts = its.classes.setdefault(head, Counter())
            if label.is_vector:
                there = np.flatnonzero(np.asarray(classes) > 0) % label.size
                counts.update(np.asarray(label.given_classes)[there].tolist())
            else:
                counts.update(classes)
        if head in self._classes:
            where_listed = f"{self._spec.where_of_head(head)}.classes"
            error = functools.partial(value_errors.unknown_class, where_listed)
            self._check_known(_CLASS, label.key, batch, rows, self._classes[head], error)

    def _check_forecast(self, batch: Batch, label: Label, lengths: np.ndarray) -> None:
        """Checks that there is a history without gaps; the values after it are checked like any vector."""
        horizon = int(label.horizon or 0) if label.is_cut_out else 0
        short = np.flatnonzero(lengths <= horizon)
        column = self._spec.sequence[str(label.target)]
        tensor_name = feature_of(column).tensor_name
        rows, name = batch.rows[tensor_name], self._names[tensor_name]
        if len(short):
            steps = int(lengths[short[0]])
            self._add(_MISSING, name, batch, short, lambda where: value_errors.no_history(name, steps, horizon, where))
        if len(rows.splits) == 2 and getattr(column, "default_value", None) is None:
            gaps = incomplete_rows(rows, column)
            if len(gaps):
                records = rows.records_of_rows(gaps)
                step = int(gaps[0] - rows.splits[0][records[0]])
                self._add(_MISSING, name, batch, records, lambda where: value_errors.gap(name, step, where))

    def _check_every_step(self, batch: Batch, tensor_name: str, label: Label) -> None:
        """Checks that every step has a label value; a list of several terms may be empty."""
        rows = batch.rows[tensor_name]
        if label.has_several_terms or len(rows.splits) < 2:
            return
        is_missing = rows.counts == 0
        of_label = labels_there(batch.rows[label.raw_name], label)
        if label.may_be_missing and len(of_label.counts) == len(is_missing):
            # A step without a label needs no weight.
            is_missing &= of_label.counts > 0
        missing = np.flatnonzero(is_missing)
        if len(missing):
            name, records = self._names[tensor_name], rows.records_of_rows(missing)
            step = int(missing[0] - rows.splits[0][records[0]])
            self._add(_LABEL, name, batch, records, lambda where: value_errors.no_label(name, step, where))

    def _check_weights(self, batch: Batch, feature: RawFeature, rows: Rows) -> None:
        wrong = np.flatnonzero(rows.values < 0)
        if len(wrong):
            name, value = self._names[feature.tensor_name], rows.values[wrong[0]]
            records = rows.records_of_values(wrong)
            self._add(_RANGE, name, batch, records, lambda where: value_errors.negative_weight(name, value, where))

    def _check_weights_of_terms(self, batch: Batch, name: str, column: CategoricalColumn) -> None:
        rows, weights = (batch.rows[feature.tensor_name] for feature in features_of(column)[:2])
        wrong, key = related_values.rows_with_unequal_counts(rows, weights), str(column.weighted_by)
        if len(wrong):
            per_step = column.is_sequence
            self._add(
                _COUNT, name, batch, wrong, lambda where: related_values.unequal_weights(name, key, per_step, where)
            )

    def _check_no_term(self, batch: Batch, name: str, rows: Rows) -> None:
        missing = np.flatnonzero(rows.counts == 0)
        if len(missing):
            records, per_step = rows.records_of_rows(missing), len(rows.splits) == 2
            self._add(_MISSING, name, batch, records, lambda where: value_errors.no_term(name, per_step, where))

    def _check_range(self, batch: Batch, name: str, buckets: int, rows: Rows) -> None:
        wrong = np.flatnonzero((rows.values < 0) | (rows.values >= buckets))
        if len(wrong):
            value, records = rows.values[wrong[0]], rows.records_of_values(wrong)
            self._add(
                _RANGE, name, batch, records, lambda where: value_errors.out_of_range(name, buckets, value, where)
            )

    def _check_terms(self, batch: Batch, name: str, rows: Rows) -> None:
        known = self._listed[name]
        self._check_known(_TERM, name, batch, rows, known, value_errors.unknown_term)

    def _check_known(
        self, rank: int, name: str, batch: Batch, rows: Rows, known: KnownTerms, error: Callable[..., DataError]
    ) -> None:
        """Notes values that are not known terms; only records with the first such value are counted and named."""
        strangers = known.strangers(rows.values)
        if strangers:
            noted = self._strangers.setdefault((rank, name), {})
            noted.update(dict.fromkeys(strangers))
            first = next(iter(noted))
            # Not numpy's `==`, which would drop zero bytes at a string's end.
            records = rows.records_of_values(np.flatnonzero([value == first for value in rows.values.tolist()]))
            if len(records):
                # Batches after this one may note more values, so the list is made for the message.
                text, terms = value_errors.text, known.terms
                self._add(rank, name, batch, records, lambda where: error(name, [*map(text, noted)], terms, where))


def _divided(rows: Rows, parts: np.ndarray, number: int) -> list[list[Any]]:
    """The values of the records in each of `number` parts."""
    if number == 1:
        return [rows.values.tolist()]
    of_value = parts[rows.records_of_values(np.arange(len(rows.values)))]
    return [rows.values[of_value == part].tolist() for part in range(number)]


def _tensor_name(column: TermColumn) -> str:
    return feature_of(column).tensor_name
