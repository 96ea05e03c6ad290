"""The check of the user's records before a pipeline runs: one clear message, and nothing written."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.numbers.chosen import Choices
from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.figures import Figures
from tfx_sequences.components.records.files import check_framing, find_split_files, unused_files
from tfx_sequences.components.records.hold_back import empty_split, held_back_shares, split_index, split_names
from tfx_sequences.components.records.keys import check_keys, neither, sample_files
from tfx_sequences.components.records.missing_values import MissingCounts, parsed_batches
from tfx_sequences.components.records.number_figures import NumberFigures
from tfx_sequences.components.records.opening import check_name
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.components.records.value_errors import text
from tfx_sequences.components.records.values import ValueChecks
from tfx_sequences.errors import DataError, closest_name, shortened
from tfx_sequences.schemas.columns.column import TermColumn
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class SplitReport:
    """What one split holds.

    Attributes:
        name: `train`, `valid` or `test`.
        files: Names of its files, relative to the data folder.
        records: Number of records.
        steps: Steps of all records.
        length_min: Steps of the shortest record.
        length_mean: Steps of a record on average.
        length_max: Steps of the longest record.
        zero_length: Records without any step.
        classes: By head, how many records (or steps) each class is a label of, in the order of
            the label's `classes` or else the most frequent first; no heads of regression.
        missing: By column, as in `context.x` and `sequence.x`, and by label, as in `label` and `labels.x`, how much of
            it is missing; none that lack nothing. Missing labels weigh nothing.
    """

    name: str
    files: tuple[str, ...]
    records: int
    steps: int
    length_min: int
    length_mean: float
    length_max: int
    zero_length: int
    classes: Mapping[str, Mapping[str, int]]
    missing: Mapping[str, MissingCounts] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class DataReport:
    """What `check_data` found in records that are in order.

    Attributes:
        splits: By `train`, `valid`, `test`; only those that have files.
        unused_context: Context features of the data (features, of an Example) that the spec does not use.
        unused_sequence: Sequence features that the spec does not use.
        unused_files: Record files in the folder that belong to no split.
        held_back: Records of `train` that a run holds back, by the split without files
            they are for; empty if all splits have files.
        normalizers: What `auto` will choose for the columns whose normaliser it is.
        advice: A line for each column whose normaliser does not suit the values of `train`.
    """

    splits: Mapping[str, SplitReport]
    unused_context: tuple[str, ...]
    unused_sequence: tuple[str, ...]
    unused_files: tuple[str, ...]
    held_back: Mapping[str, int]
    normalizers: Choices = dataclasses.field(default_factory=dict)
    advice: tuple[str, ...] = ()


def check_data(spec: SequenceSpec, data_dir: str | os.PathLike[str]) -> DataReport:
    """Reads all records of the data folder once and checks that a pipeline can use them.

    First files and their framing, then which features there are (a sample of each
    file), then every value the spec uses. What is told is the most basic fault, with
    the number of records that have it and the first of them. For a split without files,
    the records that a run would hold back for it are checked as its own.

    Args:
        spec: The spec.
        data_dir: Folder of the record files, local or in a file system that TensorFlow has.

    Raises:
        DataError: What was found.
        SpecError: The spec uses a key in two ways that contradict each other, or a
            vocabulary file cannot be used.
    """
    split_files = {name: files for name, files in find_split_files(data_dir, spec.splits).items() if files}
    for files in split_files.values():
        for file in files:
            check_name(file)
    records = {name: sum(map(check_framing, files)) for name, files in split_files.items()}
    for name, count in records.items():
        if not count:
            raise DataError(
                f"The split '{name}' has no records.",
                expected="at least one record in its files",
                received=f"{shortened((f.name for f in split_files[name]), 3)}, all empty",
                fix=f"Write records to them, or mend splits.{name} in the spec.",
            )
    checks = ValueChecks(spec)
    unused_context, unused_sequence = check_keys(spec, sample_files(f for fs in split_files.values() for f in fs))
    held_back = held_back_shares(spec.splits, split_files)
    numbers = NumberFigures(spec)
    figures = _read(spec, checks, numbers, split_files, held_back)
    checks.raise_first()
    in_files = {name: figures[name] for name in split_files}
    in_files["train"] = Figures.of_all(figures[name] for name in ("train", *held_back))
    _check_splits(spec, in_files)
    counts = {name: figures[name].records for name in held_back}
    if held_back:
        for name, count in (*counts.items(), ("train", figures["train"].records)):
            if not count:
                raise empty_split(name, held_back, {"train": figures["train"].records, **counts})
        _check_splits(spec, figures, held_back)
    reports = {name: _report(name, spec, path_of(data_dir), split_files[name], in_files[name]) for name in split_files}
    unused = tuple(f.name for f in unused_files(data_dir, split_files))
    chosen = {n: choice.report() for n, choice in numbers.choices().items() if _is_auto(spec, n)}
    return DataReport(reports, unused_context, unused_sequence, unused, counts, chosen, tuple(numbers.advice()))


def check_first_records(path: str | os.PathLike[str], spec: SequenceSpec, *, skip_malformed: bool = False) -> None:
    """Checks that the first records of one file are of the spec's kind and hold what a prediction needs.

    Label, example weight and optional context features may be missing.

    Args:
        path: The file.
        spec: The spec.
        skip_malformed: Look at the file as a whole, whatever single records in it are.

    Raises:
        DataError: They are of another kind, store another dtype, or lack a feature
            in the whole file.
    """
    (sample,) = sample_files([path_of(path)], skip_malformed=skip_malformed)
    if skip_malformed:
        wanted = {f.key: f.dtype for f in raw_features(spec, with_label=False)}
        for key, kinds in sample.kinds.items():
            right = {kind: at for kind, at in kinds.items() if kind in (None, wanted.get(key[1]))}
            sample.kinds[key] = right or kinds
    if sample.records:
        check_keys(spec, [sample], for_prediction=True)


def _report(name: str, spec: SequenceSpec, folder: AnyPath, files: list[AnyPath], figures: Figures) -> SplitReport:
    lengths = np.concatenate(figures.lengths)
    classes = {}
    for head, counter in figures.classes.items():
        counts = {text(value): count for value, count in counter.most_common()}
        listed = spec.heads[head].classes
        if listed is not None:
            counts = {str(c): counts[str(c)] for c in listed if str(c) in counts}
        classes[head] = counts
    return SplitReport(
        name=name,
        files=tuple(f.relative_to(folder.expanduser()).as_posix() for f in files),
        records=len(lengths),
        steps=int(lengths.sum()),
        length_min=int(lengths.min()),
        length_mean=float(lengths.mean()),
        length_max=int(lengths.max()),
        zero_length=int((lengths == 0).sum()),
        classes=classes,
        missing=figures.missing,
    )


def _is_auto(spec: SequenceSpec, name: str) -> bool:
    return getattr(spec.columns[name], "normalizer", None) == "auto"


def _read(
    spec: SequenceSpec,
    checks: ValueChecks,
    numbers: NumberFigures,
    split_files: Mapping[str, list[AnyPath]],
    held_back: Mapping[str, float],
) -> dict[str, Figures]:
    """Checks all values; the figures of each split, with held back records counted for the split they are for."""
    figures = {name: Figures() for name in (*split_files, *held_back)}
    for name, files in split_files.items():
        divided = name == "train" and bool(held_back)
        targets = [figures[part] for part in split_names(held_back)] if divided else [figures[name]]
        for path in files:
            for batch in parsed_batches(path, spec):
                parts = _parts(batch, spec, held_back) if divided else None
                checks.check(batch, targets, parts)
                if name == "train":
                    # Those that are left of it, for Transform analyzes no others.
                    numbers.add(batch, None if parts is None else parts == len(held_back))
    return figures


def _parts(batch: Batch, spec: SequenceSpec, held_back: Mapping[str, float]) -> np.ndarray:
    """For each record, where in `split_names` a run will put it."""
    from tensorflow.core.example import example_pb2

    kind = example_pb2.Example if spec.record == "Example" else example_pb2.SequenceExample
    parts = np.empty(len(batch), np.int64)
    for index, record in enumerate(batch.records):
        try:
            message = kind.FromString(record)
        except DecodeError as error:
            raise neither(batch.path, batch.first + index, record) from error
        parts[index] = split_index(message, held_back)
    return parts


def _split(name: str, held_back: Collection[str]) -> str:
    """How messages name a split."""
    if name in held_back:
        return f"'{name}' (held back from the training records)"
    if name == "train" and held_back:
        return f"'train' (without what is held back for {' and '.join(held_back)})"
    return f"'{name}'"


def _check_splits(spec: SequenceSpec, figures: Mapping[str, Figures], held_back: Collection[str] = ()) -> None:
    """What needs the figures of whole splits; `held_back` are those that are parts of the training records."""
    for name, its in figures.items():
        if not its.steps:
            raise DataError(
                f"All sequences of the split {_split(name, held_back)} have length zero.",
                expected=f"steps of {shortened(column.key for column in spec.sequence.values())}",
                received=f"none in {its.records} records",
                fix="Give more training records, or files for each split."
                if held_back
                else "Check how the records were written: a step is one Feature of a feature list.",
            )
    for head, label in spec.heads.items():
        if label.has_classes:
            classes = {name: its.classes.get(head, Counter()) for name, its in figures.items()}
            _check_classes(spec, head, classes, held_back)
    for column in figures["train"].terms:
        _check_vocabulary(spec, column, {name: its.terms for name, its in figures.items()}, held_back)


def _check_classes(
    spec: SequenceSpec, head: str, classes: Mapping[str, Counter[Any]], held_back: Collection[str]
) -> None:
    """Classes of the training split, as far as no list in the spec settles them."""
    label, seen = spec.heads[head], classes["train"]
    where, listed = f"the label '{label.key}'", f"{spec.where_of_head(head)}.classes"
    unit = "step" if label.per_step else "record"
    if label.given_classes is None:
        for split, counts in classes.items():
            bad = [c for c in counts if _left_out(c)]
            if bad:
                raise DataError(
                    f"A class of {where} is empty or holds a line break.",
                    expected="classes of one line, not empty",
                    received=f"{text(bad[0])!r} in {counts[bad[0]]} {unit}s of {_split(split, held_back)}",
                    fix=f"Mend the records, or name all classes as `{listed}` in the spec.",
                )
            unseen = [c for c in counts if c not in seen]
            if unseen:
                closest = closest_name(text(unseen[0]), map(text, seen))
                files = f"give files that match splits.{split}, " if split in held_back else ""
                raise DataError(
                    f"The split {_split(split, held_back)} has a class of {where} that no "
                    f"{f'{unit} left in train' if split in held_back else f'training {unit}'} has.",
                    expected=f"one of {shortened(map(text, seen))}",
                    received=f"'{text(unseen[0])}' in {counts[unseen[0]]} {unit}s of '{split}'",
                    fix=f"Add training records of it, leave it out, {files}"
                    f"or name all classes as `{listed}` in the spec."
                    + (f" The closest is '{closest}'." if closest else ""),
                )
    if not seen:
        raise DataError(
            f"No training {unit} has a class of {where}.",
            expected=f"at least one class in the split {_split('train', held_back)}",
            received="none",
            fix="Give other records, or another label.",
        )
    if len(seen) < label.kind.fewest_classes:
        raise DataError(
            f"All training {unit}s have the same class of {where}.",
            expected=f"at least 2 classes in the split {_split('train', held_back)}",
            received=f"{shortened(map(text, seen))} in all {seen.total()} {unit}s",
            fix="Give records of other classes, or another label.",
        )


def _left_out(term: Any) -> bool:
    """TensorFlow Transform leaves such terms out of a vocabulary that it computes."""
    return isinstance(term, bytes) and (not term or b"\n" in term or b"\r" in term)


def _check_vocabulary(
    spec: SequenceSpec, name: str, terms: Mapping[str, dict[str, Counter[Any]]], held_back: Collection[str]
) -> None:
    """A vocabulary computed over `train`, where unknown terms have no id, must have every term of the data."""
    column = spec.columns[name]
    if not isinstance(column, TermColumn) or column.vocabulary is None or not column.refuses_unknown:
        return
    [users] = [names for names in computed_vocabularies(spec).values() if name in names]
    train = sum((terms["train"][user] for user in users), Counter())
    least = column.vocabulary.frequency_threshold or 1
    kept = {term for term, count in train.items() if count >= least and not _left_out(term)}
    top_k = column.vocabulary.top_k
    if top_k is not None and len(kept) > top_k:
        kept = {term for term, _ in train.most_common(top_k) if term in kept}
    for split, counters in terms.items():
        counts = counters[name]
        unknown = [term for term in counts if term not in kept]
        if unknown:
            raise DataError(
                f"{name} has a term in {_split(split, held_back)} "
                f"that the vocabulary computed over 'train' does not have.",
                expected=f"one of its {len(kept)} terms: num_oov_buckets is 0 and default_value is not set",
                received=f"'{text(unknown[0])}', {counts[unknown[0]]} times"
                + (f", and {len(unknown) - 1} more terms" if len(unknown) > 1 else ""),
                fix=f"Set `num_oov_buckets: 1` or `default_value` at {name} in the spec.",
            )
