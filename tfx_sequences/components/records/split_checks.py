"""Checks that need the counts of whole splits: classes and terms that one split has and another one does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from tfx_sequences.components.records.figures import Figures
from tfx_sequences.components.records.value_errors import text
from tfx_sequences.errors import DataError, closest_name, shortened
from tfx_sequences.schemas.columns.column import TermColumn
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def _split(name: str, held_back: Collection[str]) -> str:
    """The name of a split in messages."""
    if name in held_back:
        return f"'{name}' (held back from the training records)"
    if name == "train" and held_back:
        return f"'train' (without what is held back for {' and '.join(held_back)})"
    return f"'{name}'"


_MOST_LISTED = 30
_MANY_CLASSES = 10


def check_splits(spec: SequenceSpec, figures: Mapping[str, Figures], held_back: Collection[str] = ()) -> None:
    """Runs the checks; `held_back` are the splits that are held back from the training records."""
    for name, its in figures.items():
        if not its.steps:
            raise DataError(
                f"All sequences of the split {_split(name, held_back)} have length zero.",
                expected=f"steps of {shortened(column.key for column in spec.sequence.values())}",
                received=f"no steps in {its.records} records",
                fix="Provide more training records, or files for each split."
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
    """Checks the classes of the training split, unless the spec lists them."""
    label, seen = spec.heads[head], classes["train"]
    where, listed = f"the label '{label.key}'", f"{spec.where_of_head(head)}.classes"
    unit = "step" if label.per_step else "record"
    if label.given_classes is None:
        for split, counts in classes.items():
            bad = [c for c in counts if _left_out(c)]
            if bad:
                raise DataError(
                    f"A class of {where} is empty or contains a line break.",
                    expected="non-empty classes without line breaks",
                    received=f"{text(bad[0])!r} in {counts[bad[0]]} {unit}s of {_split(split, held_back)}",
                    fix=f"Correct the records, or list all classes in `{listed}` in the spec.",
                )
        unseen = unseen_classes(spec, head, classes)
        if unseen and label.unseen == "error":
            raise _unseen(spec, head, unseen, seen, held_back)
    elif label.unseen != "error":
        unknown = [c for c in seen if text(c) not in label.given_classes]
        if unknown:
            raise DataError(
                f"The label '{label.key}' has a class that `{listed}` does not list.",
                expected=f"one of {shortened(label.given_classes)} in 'train'; others in `valid` and `test` only",
                received=_counted({c: seen[c] for c in unknown}, unit),
                fix=f"Add it to `{listed}` in the spec, or leave the records out.",
            )
    if not seen:
        raise DataError(
            f"No training {unit} has a class of {where}.",
            expected=f"at least one class in the split {_split('train', held_back)}",
            received="none",
            fix="Provide other records, or use another label.",
        )
    if len(seen) < label.kind.fewest_classes:
        raise DataError(
            f"All training {unit}s have the same class of {where}.",
            expected=f"at least 2 classes in the split {_split('train', held_back)}",
            received=f"{shortened(map(text, seen))} in all {seen.total()} {unit}s",
            fix="Provide records of other classes, or use another label.",
        )


def unseen_classes(spec: SequenceSpec, head: str, classes: Mapping[str, Counter[Any]]) -> dict[str, dict[Any, int]]:
    """By split, the classes that neither `train` nor the label's `classes` have, with their counts."""
    listed = spec.heads[head].given_classes
    known = set(map(text, classes["train"])) if listed is None else set(listed)
    found = {}
    for split, counts in classes.items():
        unseen = {c: n for c, n in counts.most_common() if text(c) not in known}
        if unseen:
            found[split] = unseen
    return found


def unseen_lines(spec: SequenceSpec, figures: Mapping[str, Figures]) -> list[str]:
    """A line for each label with classes that `train` does not have, where the spec says what they count as."""
    lines = []
    for head, label in spec.heads.items():
        if label.unseen == "error":
            continue
        classes = {name: its.classes.get(head, Counter()) for name, its in figures.items()}
        unit = "step" if label.per_step else "record"
        for split, counts in unseen_classes(spec, head, classes).items():
            count = "are a class of their own" if label.unseen == "other" else "count as wrong answers"
            listed = _counted(counts, unit)
            lines.append(f"Classes of '{label.key}' in {split} that train does not have: {listed}; they {count}")
    return lines


def rare_lines(spec: SequenceSpec, train: Figures) -> list[str]:
    """A line for each label of the record whose classes mostly have one record in `train`.

    Labels of steps are often words, most of which are always rare.
    """
    lines = []
    for head, label in spec.heads.items():
        counts = train.classes.get(head, Counter())
        single = sum(count == 1 for count in counts.values())
        if not label.per_step and single >= _MANY_CLASSES and 2 * single > len(counts):
            lines.append(
                f"Classes of '{label.key}' are rare in train: {single} of {len(counts)} have one record each, and a "
                "class cannot be learned from one record. A text or a number is not a class"
            )
    return lines


def _unseen(
    spec: SequenceSpec,
    head: str,
    unseen: Mapping[str, Mapping[Any, int]],
    seen: Counter[Any],
    held_back: Collection[str],
) -> DataError:
    """The error of classes that `train` does not have: all of them, with counts."""
    label, where = spec.heads[head], spec.where_of_head(head)
    unit = "step" if label.per_step else "record"
    split, counts = next(iter(unseen.items()))
    first = next(iter(counts))
    closest = closest_name(text(first), map(text, seen))
    files = f"provide files that match splits.{split}, " if split in held_back else ""
    return DataError(
        f"The split {_split(split, held_back)} has a class of the label '{label.key}' that no "
        f"{f'{unit} left in train' if split in held_back else f'training {unit}'} has.",
        expected=f"one of {shortened(map(text, seen))}",
        received="; ".join(f"{_counted(counts, unit)} of '{split}'" for split, counts in unseen.items()),
        fix=f"Write `unseen: wrong` or `unseen: other` at {where}, add training records of this class, remove it, "
        f"{files}or list all classes in `{where}.classes` in the spec."
        + (f" The closest is '{closest}'." if closest else ""),
    )


def _counted(counts: Mapping[Any, int], unit: str) -> str:
    listed = [f"'{text(c)}' in {n} {unit}{'s' * (n != 1)}" for c, n in counts.items()]
    rest = len(listed) - _MOST_LISTED
    return ", ".join(listed[:_MOST_LISTED]) + (f" and {rest} more classes" if rest > 0 else "")


def _left_out(term: Any) -> bool:
    """Whether TensorFlow Transform omits the term from a computed vocabulary."""
    return isinstance(term, bytes) and (not term or b"\n" in term or b"\r" in term)


def _check_vocabulary(
    spec: SequenceSpec, name: str, terms: Mapping[str, dict[str, Counter[Any]]], held_back: Collection[str]
) -> None:
    """A vocabulary that is computed over `train` must contain every term, if unknown terms do not have an id."""
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
                expected=f"one of its {len(kept)} terms, because num_oov_buckets is 0 and default_value is not set",
                received=f"'{text(unknown[0])}', {counts[unknown[0]]} times"
                + (f", and {len(unknown) - 1} more terms" if len(unknown) > 1 else ""),
                fix=f"Set `num_oov_buckets: 1` or `default_value` at {name} in the spec.",
            )
