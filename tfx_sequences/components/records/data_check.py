"""Checks the user's records before a pipeline runs: gives one clear message, and writes nothing."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.numbers.chosen import Choices
from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.figures import Figures
from tfx_sequences.components.records.files import check_framing, find_split_files, skipped_files, unused_files
from tfx_sequences.components.records.hold_back import HoldBack, empty_split
from tfx_sequences.components.records.keys import check_keys, neither, sample_files
from tfx_sequences.components.records.leak_search import LeakSearch
from tfx_sequences.components.records.leaks import Leak
from tfx_sequences.components.records.missing_values import MissingCounts, parsed_batches
from tfx_sequences.components.records.number_figures import NumberFigures
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.components.records.places import place
from tfx_sequences.components.records.split_checks import check_splits, rare_lines, unseen_lines
from tfx_sequences.components.records.value_errors import text
from tfx_sequences.components.records.value_ranges import ValueRanges
from tfx_sequences.components.records.values import ValueChecks
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class SplitReport:
    """The contents of one split.

    Attributes:
        name: `train`, `valid` or `test`.
        files: Names of its files, relative to the data folder.
        records: Number of records.
        steps: Steps of all records.
        length_min: Steps of the shortest record.
        length_mean: Mean number of steps per record.
        length_max: Steps of the longest record.
        zero_length: Number of records without steps.
        classes: For each head, the number of records (or steps) labelled with each class, in the order of
            the label's `classes` or otherwise the most frequent first; without regression heads.
        missing: By column, as in `context.x` and `sequence.x`, and by label, as in `label` and `labels.x`, how much of
            it is missing; without those that are complete. Missing labels weigh nothing.
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
    """The result of `check_data` for valid records.

    Attributes:
        splits: Reports for `train`, `valid` and `test`; only for splits with files.
        unused_context: Context features of the data (for an Example: features) that the spec does not use.
        unused_sequence: Sequence features that the spec does not use.
        unused_files: Record files in the folder that do not belong to a split.
        held_back: Number of records of `train` that a run holds back for each split without files;
            empty if all splits have files.
        held_back_by: How they are chosen, in words.
        skipped_files: Hidden files and plain text that a split's pattern matches; they are not read.
        leaks: What makes figures better than they are: `raise_certain` refuses a copy of the label.
        normalizers: The choices of `auto`, for columns with that normalizer.
        advice: A line for each column whose normalizer does not suit the values in `train`.
    """

    splits: Mapping[str, SplitReport]
    unused_context: tuple[str, ...]
    unused_sequence: tuple[str, ...]
    unused_files: tuple[str, ...]
    held_back: Mapping[str, int]
    normalizers: Choices = dataclasses.field(default_factory=dict)
    advice: tuple[str, ...] = ()
    held_back_by: str = ""
    skipped_files: tuple[str, ...] = ()
    leaks: tuple[Leak, ...] = ()


def check_data(spec: SequenceSpec, data_dir: str | os.PathLike[str]) -> DataReport:
    """Reads all records of the data folder once, and checks that a pipeline can use them.

    It checks first the files and their framing, then which features exist (in a sample of each
    file), then every value that the spec uses. It reports the most basic fault, with
    the number of affected records and the first of them. For a split without files,
    the records that a run would hold back for it are checked as that split.

    Args:
        spec: The spec.
        data_dir: Folder of the record files, local, or on a file system that TensorFlow supports.

    Raises:
        DataError: The records cannot be used; the message describes the fault.
        SpecError: The spec uses a key in two contradictory ways, or a
            vocabulary file cannot be used.
    """
    split_files = {name: files for name, files in find_split_files(data_dir, spec.splits).items() if files}
    records = {name: sum(map(check_framing, files)) for name, files in split_files.items()}
    for name, count in records.items():
        if not count:
            raise DataError(
                f"The split '{name}' has no records.",
                expected="at least one record in its files",
                received=f"{shortened((f.name for f in split_files[name]), 3)}, all empty",
                fix=f"Write records to them, or correct splits.{name} in the spec.",
            )
    held_back = HoldBack.of_spec(spec, split_files)
    checks = ValueChecks(spec)
    samples = sample_files(f for fs in split_files.values() for f in fs)
    unused_context, unused_sequence = check_keys(spec, samples)
    numbers = NumberFigures(spec)
    leaks = LeakSearch(spec, samples)
    ranges = ValueRanges(spec)
    figures = _read(spec, checks, numbers, leaks, ranges, split_files, held_back)
    checks.raise_first()
    in_files = {name: figures[name] for name in split_files}
    in_files["train"] = Figures.of_all(figures[name] for name in ("train", *held_back.shares))
    check_splits(spec, in_files)
    counts = {name: figures[name].records for name in held_back.shares}
    if held_back:
        for name, count in (*counts.items(), ("train", figures["train"].records)):
            if not count:
                raise empty_split(name, held_back, {"train": figures["train"].records, **counts})
        check_splits(spec, figures, held_back.shares)
    reports = {name: _report(name, spec, path_of(data_dir), split_files[name], in_files[name]) for name in split_files}
    unused = tuple(f.name for f in unused_files(data_dir, split_files))
    columns = spec.columns
    chosen = {
        name: choice.report()
        for name, choice in numbers.choices().items()
        if getattr(columns[name], "normalizer", None) == "auto"
    }
    return DataReport(
        splits=reports,
        unused_context=unused_context,
        unused_sequence=unused_sequence,
        unused_files=unused,
        held_back=counts,
        held_back_by=held_back.words if held_back else "",
        skipped_files=tuple(f.name for f in skipped_files(data_dir, spec.splits)),
        normalizers=chosen,
        advice=(
            *numbers.advice(),
            *rare_lines(spec, in_files["train"]),
            *unseen_lines(spec, figures),
            *ranges.lines(),
        ),
        leaks=leaks.found(),
    )


def check_first_records(path: str | os.PathLike[str], spec: SequenceSpec, *, skip_malformed: bool = False) -> None:
    """Checks that the first records of one file have the spec's type and contain what a prediction needs.

    Label, example weight and optional context features may be missing.

    Args:
        path: The file.
        spec: The spec.
        skip_malformed: Check the file as a whole, and ignore single malformed records.

    Raises:
        DataError: The records have another type, store another dtype, or lack a feature
            in the whole file.
    """
    (sample,) = sample_files([path_of(path)], well_formed_for=spec if skip_malformed else None)
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


def _read(
    spec: SequenceSpec,
    checks: ValueChecks,
    numbers: NumberFigures,
    leaks: LeakSearch,
    ranges: ValueRanges,
    split_files: Mapping[str, list[AnyPath]],
    held_back: HoldBack,
) -> dict[str, Figures]:
    """Checks all values; returns the counts of each split, with held-back records counted in their split."""
    figures = {name: Figures() for name in (*split_files, *held_back.shares)}
    for name, files in split_files.items():
        divided = name == "train" and bool(held_back)
        targets = [figures[part] for part in held_back.names] if divided else [figures[name]]
        for path in files:
            for batch in parsed_batches(path, spec):
                parts = _parts(batch, spec, held_back) if divided else None
                lengths = checks.check(batch, targets, parts)
                splits = [name] * len(batch) if parts is None else [held_back.names[part] for part in parts]
                leaks.add(batch, splits, lengths)
                ranges.add(batch, splits, after_train=name != "train")
                if name == "train":
                    # Only the records that remain in `train`, because Transform analyzes only those.
                    numbers.add(batch, None if parts is None else parts == len(held_back.shares))
    return figures


def _parts(batch: Batch, spec: SequenceSpec, held_back: HoldBack) -> np.ndarray:
    """For each record, the index in `held_back.names` of the split that a run will put it into."""
    from tensorflow.core.example import example_pb2

    kind = example_pb2.Example if spec.record == "Example" else example_pb2.SequenceExample
    parts = np.empty(len(batch), np.int64)
    for index, record in enumerate(batch.records):
        try:
            message = kind.FromString(record)
        except DecodeError as error:
            raise neither(batch.path, batch.first + index, record) from error
        try:
            parts[index] = held_back.index(message)
        except DataError as error:
            where = place(*batch.place(index, spec))
            raise DataError(
                error.what, expected=error.expected, received=f"{error.received} in {where}", fix=error.fix
            ) from error
    return parts
