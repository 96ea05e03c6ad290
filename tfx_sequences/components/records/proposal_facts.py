"""Facts about a proposed spec from records: constants, copies, groups, ids, vectors in flat lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from tfx_sequences.components.records.batches import Batch, Rows, batches, parse_batch
from tfx_sequences.components.records.end_marks import EndMarks
from tfx_sequences.components.records.group_leaks import GroupLeaks
from tfx_sequences.components.records.keys import FileSample
from tfx_sequences.components.records.label_copies import LabelCopies
from tfx_sequences.components.records.leak_search import stored_dtypes
from tfx_sequences.components.records.leaks import Leak
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.proposed_clocks import clocks
from tfx_sequences.components.records.proposed_missing import MissingMarks
from tfx_sequences.schemas.columns.group_names import is_id_name
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.columns.time_units import guess_time_unit
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of
from tfx_sequences.schemas.kinds.distribution import SUM_TOLERANCE
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# With fewer records, all values may be equal or all may be different by chance.
_FEWEST_RECORDS = 10


@dataclasses.dataclass(frozen=True)
class ProposalFacts:
    """Facts about a spec from the training records.

    Attributes:
        records: Number of records.
        constants: Columns with the same value in all records and steps, and this value as text.
        ids: The number of values of columns whose values are all different: of terms of the record, or with the name
            of an id.
        copies: Columns that copy a label.
        told_later: A text for each head whose label is a feature of a later step, or marks the record's end.
        groups: Context features that identify groups of records, with counts as text.
        repeated_id: Whether `id_key` has the same value in several records.
        widths: The width of vectors in flat lists of an Example, and the feature that contains it, by column.
        binary: Heads whose labels are zeros and ones: vectors, or a float of the record.
        unknown: Heads whose classes are -1 and numbers from 0 on, and whether -1 can only mean that it is unknown.
        distributions: Heads whose labels are vectors with the sum 1, and whether they are one-hot.
        missing_values: The stored number that marks missing values, with its count and that of all values, by column.
        times: The unit of integer columns whose values are times by their magnitude.
        misaligned: Sequence columns with a different number of steps than most others (or the label), with an example.
        clocks: Keys of the timestamps of such columns and of the steps, and their dtype; see `clocks`.
    """

    records: int
    constants: dict[str, str]
    ids: dict[str, int]
    copies: tuple[tuple[str, Leak], ...]
    told_later: dict[str, str]
    groups: dict[str, str]
    repeated_id: bool
    widths: dict[str, tuple[int, str]]
    binary: tuple[str, ...]
    unknown: dict[str, bool]
    distributions: dict[str, bool]
    misaligned: dict[str, str]
    missing_values: dict[str, tuple[int, int, int]]
    times: dict[str, str]
    clocks: dict[str, dict[str, str]]


def proposal_facts(spec: SequenceSpec, files: Iterable[AnyPath], samples: Iterable[FileSample]) -> ProposalFacts:
    """Reads the records once.

    Raises:
        DataError: Records cannot be read in the way that the spec describes.
    """
    dtypes = stored_dtypes(samples)
    without_id = spec.model_copy(update={"id_key": None})
    copies, ends, groups = LabelCopies(spec), EndMarks(spec), GroupLeaks(without_id, dtypes)
    values = _Values(spec)
    for file in files:
        for batch in batches(file, spec):
            parse_batch(batch, spec)
            copies.add(batch)
            ends.add(batch)
            groups.add(batch, ["train"] * len(batch))
            values.add(batch)
    likely = groups.likely()
    repeated = spec.id_key in likely
    return ProposalFacts(
        records=values.records,
        constants=values.constants(),
        ids=values.ids(),
        copies=tuple(copies.certain()),
        told_later=ends.told() | copies.told_later(),
        groups=likely,
        repeated_id=repeated,
        widths=values.widths(),
        binary=values.binary(),
        unknown=values.unknown(),
        distributions=values.distributions(),
        misaligned=values.misaligned(),
        clocks=values.clocks(),
        missing_values=values.marks.found(),
        times=values.times(),
    )


class _Values:
    """Finds constants, ids, widths and vectors of zeros and ones, batch by batch."""

    def __init__(self, spec: SequenceSpec) -> None:
        self.records = 0
        self.marks = MissingMarks(spec)
        self._spec = spec
        self._constant: dict[str, Any] = dict.fromkeys(spec.columns)
        self._seen: dict[str, set[Any]] = {n: set() for n, column in spec.columns.items() if _may_be_id(column)}
        self._values = dict.fromkeys(self._seen, 0)
        one = {n for n, x in spec.heads.items() if x.type == "regression" and not x.per_step and x.dtype == "float32"}
        self._vectors = {n for n, x in spec.heads.items() if x.is_vector and not x.is_cut_out}
        self._binary, self._sums = one | self._vectors, set(self._vectors)
        single = {n: x for n, x in spec.heads.items() if x.may_be_missing and not x.has_several_terms}
        self._codes: dict[str, set[int]] = {
            n: set() for n, x in single.items() if x.type == "classification" and x.dtype == "int64"
        }
        flat = [n for n, c in spec.columns.items() if c.is_sequence and c.type == "numeric" and feature_of(c).size == 1]
        sizes = [n for n, c in spec.columns.items() if not c.is_sequence and feature_of(c).shape == (2,)]
        labels = [raw_name(x.key, of_steps=True) for x in spec.heads.values() if x.per_step]
        names = {feature_of(c).tensor_name: n for n, c in spec.columns.items() if feature_of(c).is_sequence}
        numbers = [n for n, c in spec.columns.items() if c.type == "numeric" and c.dtype == "int64" and c.size == 1]
        self._bounds: dict[str, list[int]] = {name: [] for name in numbers}
        self._steps: dict[str, list[np.ndarray]] = {name: [] for name in (*labels, *names)}
        self._of_labels, self._of_steps = labels, names
        in_example = spec.record == "Example"
        self._widths: dict[tuple[str, str], int] = {(n, s): 0 for n in flat for s in sizes} if in_example else {}

    def add(self, batch: Batch) -> None:
        self.records += len(batch)
        features = {name: feature_of(column) for name, column in self._spec.columns.items()}
        rows = {name: batch.rows[feature.tensor_name] for name, feature in features.items()}
        sizes = {feature_of(column).tensor_name: feature_of(column).size for column in self._spec.columns.values()}
        for name, bounds in self._bounds.items():
            if len(rows[name].values):
                bounds += [int(rows[name].values.min()), int(rows[name].values.max())]
        for name in self.marks.names:
            self.marks.add(name, rows[name].values)
        for name, steps in self._steps.items():
            values = batch.rows[name]
            steps.append(np.diff(values.splits[0]) // (sizes.get(name, 1) if len(values.splits) == 1 else 1))
        for name in list(self._constant):
            first, is_constant = _one_value(rows[name], features[name])
            known = self._constant[name]
            if not is_constant or (known is not None and known != first):
                del self._constant[name]
            elif first is not None:
                self._constant[name] = first
        for name, seen in list(self._seen.items()):
            values = rows[name].values.tolist()
            seen.update(values)
            self._values[name] += len(values)
            # A string with spaces may be text, whose words are informative.
            is_text = any(isinstance(value, bytes) and b" " in value for value in values)
            if len(seen) < self._values[name] or is_text:
                del self._seen[name]
        for head in list(self._binary):
            found = batch.rows[self._spec.heads[head].raw_name].values
            if not np.isin(found[found == found], (0, 1)).all():
                self._binary.discard(head)
        for head, codes in self._codes.items():
            codes.update(np.unique(batch.rows[self._spec.heads[head].raw_name].values).tolist())
        for head in list(self._sums):
            classes = self._spec.heads[head].size
            found = batch.rows[self._spec.heads[head].raw_name].values
            vectors = (
                found.reshape(-1, classes).astype(np.float64) if len(found) % classes == 0 else np.full((1, 1), -1.0)
            )
            if (vectors < 0).any() or (np.abs(vectors.sum(axis=1) - 1) > SUM_TOLERANCE).any():
                self._sums.discard(head)
        for (name, size), width in list(self._widths.items()):
            if (rows[size].counts != 2).any():
                del self._widths[name, size]
                continue
            shapes = rows[size].values.reshape(-1, 2)
            fits = (shapes.prod(axis=1) == rows[name].counts).all() and (shapes[:, 1] == shapes[0, 1]).all()
            if not fits or int(shapes[0, 1]) < 2 or width not in (0, int(shapes[0, 1])):
                del self._widths[name, size]
            else:
                self._widths[name, size] = int(shapes[0, 1])

    def times(self) -> dict[str, str]:
        units = {name: guess_time_unit(bounds) for name, bounds in self._bounds.items() if bounds}
        return {name: unit for name, unit in units.items() if unit is not None}

    def clocks(self) -> dict[str, dict[str, str]]:
        steps = self._lengths()
        return clocks(self._spec, steps, self._reference(steps), self.misaligned()) if steps else {}

    def _lengths(self) -> dict[str, np.ndarray]:
        return {name: np.concatenate(parts) for name, parts in self._steps.items() if parts}

    def _reference(self, steps: dict[str, np.ndarray]) -> str:
        """The list whose lengths are those of most lists."""
        if self._of_labels:
            return self._of_labels[0]
        # A list that a record does not have does not show how many steps it has.
        agreement = {n: sum(((a == b) | (a == 0) | (b == 0)).mean() for b in steps.values()) for n, a in steps.items()}
        return max(steps, key=lambda n: (agreement[n], steps[n].sum()))

    def misaligned(self) -> dict[str, str]:
        steps = self._lengths()
        if not steps:
            return {}
        reference = self._reference(steps)
        found = {}
        for name, lengths in steps.items():
            wrong = np.flatnonzero((lengths != steps[reference]) & (lengths != 0) & (steps[reference] != 0))
            if len(wrong) and name in self._of_steps:
                at, of = int(lengths[wrong[0]]), int(steps[reference][wrong[0]])
                found[self._of_steps[name]] = f"{at} steps where '{reference}' has {of}, in {len(wrong)} records"
        return found

    def constants(self) -> dict[str, str]:
        if self.records < _FEWEST_RECORDS:
            return {}
        return {name: _text(value) for name, value in self._constant.items() if value is not None}

    def ids(self) -> dict[str, int]:
        return {name: self._values[name] for name in self._seen if self._values[name] >= _FEWEST_RECORDS}

    def widths(self) -> dict[str, tuple[int, str]]:
        return {name: (width, size) for (name, size), width in self._widths.items() if width}

    def binary(self) -> tuple[str, ...]:
        enough = self._vectors if self.records < _FEWEST_RECORDS else self._binary
        return tuple(sorted((self._binary & enough) - self._sums)) if self.records else ()

    def unknown(self) -> dict[str, bool]:
        # The classes -1, 0 and 1 may be a direction.
        counted = {head: sorted(codes) for head, codes in self._codes.items()}
        return {h: len(c) > 3 for h, c in counted.items() if len(c) > 2 and c == list(range(-1, len(c) - 1))}

    def distributions(self) -> dict[str, bool]:
        return {head: head in self._binary for head in sorted(self._sums)} if self.records else {}


def _may_be_id(column: Any) -> bool:
    feature = feature_of(column)
    named = is_id_name(column.key) and column.type in ("categorical", "numeric")
    terms = column.type == "categorical" and not column.is_sequence
    return (named or terms) and feature.size == 1 and not feature.multi_valued


def _one_value(rows: Rows, feature: RawFeature) -> tuple[Any, bool]:
    """The first value in a batch (None without values), and whether all records or steps have this value."""
    values, counts = rows.values, rows.counts
    if feature.multi_valued or not len(values):
        return None, not len(values) and not feature.multi_valued
    size = feature.size
    is_flat_list = feature.is_sequence and len(rows.splits) == 1
    if len(values) % size or (not is_flat_list and (counts != size).any()):
        return None, False  # some values are missing, which also carries information
    table = values.reshape(-1, size)
    return tuple(table[0].tolist()), bool((table == table[0]).all())


def _text(value: tuple[Any, ...]) -> str:
    words = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else f"{v:g}" for v in value]
    return repr(words[0]) if len(words) == 1 else f"[{', '.join(words[:4])}{', ...' if len(words) > 4 else ''}]"
