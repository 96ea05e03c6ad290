"""Holds records of `train` back for splits without files: the same records in every run.

The data check and the ingestion share this module, so it imports neither TensorFlow nor Beam.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, Splits

_BUCKETS = 10_000


@dataclasses.dataclass(frozen=True)
class HoldBack:
    """How the training records are divided into splits.

    Attributes:
        shares: The fraction of records or groups for each split without files; 0 for a division by time.
        group: The key of the feature whose value decides; None for the whole record.
        time: The key of the time that decides; None for a hash.
        bounds: The time from which on records belong to each split.

    >>> HoldBack.of(Splits(group="user"), ("train", "test"))
    HoldBack(shares={'valid': 0.1}, group='user', time=None, bounds={})
    """

    shares: Mapping[str, float]
    group: str | None = None
    time: str | None = None
    bounds: Mapping[str, int | float | str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, splits: Splits, splits_with_files: Collection[str]) -> HoldBack:
        """The division that `splits` declares, if these splits have files.

        Raises:
            DataError: Records are divided by time, but a split has both files and a first time, or neither.
        """
        shares = held_back_shares(splits, splits_with_files)
        if splits.time is None:
            return cls(shares, splits.group)
        for name in ("valid", "test"):
            if (name in shares) != (name in splits.bounds):
                has_files = name not in shares
                raise DataError(
                    f"The split '{name}' has "
                    + (
                        "both files and a time from which on it is held back."
                        if has_files
                        else "neither files nor a time."
                    ),
                    expected=f"either files that match splits.{name}, or splits.{name}_from",
                    received="both" if has_files else f"splits.time: '{splits.time}' without splits.{name}_from",
                    fix=f"Remove splits.{name}_from." if has_files else f"Set splits.{name}_from.",
                )
        return cls(dict.fromkeys(shares, 0.0), time=splits.time, bounds=splits.bounds)

    @classmethod
    def of_spec(cls, spec: SequenceSpec, splits_with_files: Collection[str]) -> HoldBack:
        """The division of the records of a spec, if these splits have files.

        Records made of rows are divided already: by `splits.time`, files and times of a split do not contradict each
        other.

        Raises:
            DataError: See `of`.
        """
        splits = spec.splits
        if spec.rows is not None and splits.bounds and {"valid", "test"} <= set(splits_with_files):
            splits = splits.model_copy(update={"time": None, "valid_from": None, "test_from": None})
        return cls.of(splits, splits_with_files)

    def __bool__(self) -> bool:
        return bool(self.shares)

    @property
    def names(self) -> list[str]:
        """The splits into which the training records are divided, in the order of `index`."""
        return split_names(self.shares)

    def index(self, record: Any) -> int:
        """The index in `names` of the split that a parsed record of `train` belongs to.

        Raises:
            DataError: The record does not have the group, or does not have a time of the spec's type.
        """
        if self.time is not None:
            return self.names.index(_split_at(moment_of(record, self.time), self))
        if self.group is None:
            return split_index(record, self.shares)
        return _index_of_share(share_of(group_of(record, self.group)), self.shares)

    def index_of_share(self, share: float) -> int:
        """The index in `names` of the split of a group or record, by its hash in `[0, 1)`."""
        return _index_of_share(share, self.shares)

    @property
    def words(self) -> str:
        """The rule for holding records back, for messages and reports.

        >>> HoldBack({"valid": 0.1}, group="user").words, HoldBack({}).words
        ("by 'user': all records of a group in one split", 'by a hash of the record')
        """
        if self.time is not None:
            times = ", ".join(f"{name} from {bound}" for name, bound in self.bounds.items())
            return f"by time '{self.time}': {times}"
        return f"by '{self.group}': all records of a group in one split" if self.group else "by a hash of the record"

    def to_json(self) -> str:
        """For the configuration of the component that divides the records."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> HoldBack:
        """Reads the output of `to_json`."""
        return cls(**json.loads(text))


def held_back_shares(splits: Splits, splits_with_files: Collection[str]) -> dict[str, float]:
    """The fraction of the training records that each split without files gets.

    >>> held_back_shares(Splits(valid_fraction=0.2), ("train", "test"))
    {'valid': 0.2}
    """
    shares = {"valid": splits.valid_fraction, "test": splits.test_fraction}
    return {name: share for name, share in shares.items() if name not in splits_with_files}


def split_names(held_back: Mapping[str, float]) -> list[str]:
    """The splits into which the training records are divided, in the order of `split_index`.

    >>> split_names({"valid": 0.1, "test": 0.2})
    ['test', 'valid', 'train']
    """
    return [*sorted(held_back), "train"]


def split_index(record: Any, held_back: Mapping[str, float]) -> int:
    """The index in `split_names` of the split that a record of `train` belongs to."""
    return _index_of_share(record_share(record), held_back)


def record_share(record: Any) -> float:
    """A record's hash in `[0, 1)`: the same in every run, and equal for equal records.

    Args:
        record: The parsed protocol buffer. Its serialized bytes would not work, because
            equal records may be serialized in several ways.
    """
    return share_of(record.SerializeToString(deterministic=True))


def share_of(data: bytes) -> float:
    """A hash of bytes in `[0, 1)`."""
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % _BUCKETS / _BUCKETS


def group_of(record: Any, key: str) -> bytes:
    """The group of a parsed record: the values of its context feature, as bytes.

    Raises:
        DataError: The record does not have the feature, or the feature does not have a value.
    """
    features = record.features if hasattr(record, "features") else record.context
    found = features.feature.get(key)
    kind = found.WhichOneof("kind") if found is not None else None
    if found is None or kind is None or not getattr(found, kind).value:
        raise DataError(
            f"A record does not have the group '{key}'.",
            expected=f"the feature named in splits.group, in the {_side(record)} of every training record",
            received=f"{'an empty' if found is not None else 'no'} '{key}' beside {sorted(features.feature)[:8]}",
            fix="Add the group to the record, or set splits.group to another feature.",
        )
    return found.SerializeToString(deterministic=True)


def moment_of(record: Any, key: str) -> int | float | str:
    """The time of a parsed record: the last value of a context feature, or of a feature of the last step.

    Raises:
        DataError: The record does not have the time.
    """
    features = record.features if hasattr(record, "features") else record.context
    steps = record.feature_lists.feature_list if hasattr(record, "feature_lists") else {}
    found = [features.feature[key]] if key in features.feature else [*steps[key].feature] if key in steps else []
    for feature in reversed(found):
        kind = feature.WhichOneof("kind")
        values = getattr(feature, kind).value if kind else ()
        if values:
            return values[-1].decode("utf-8", "replace") if kind == "bytes_list" else values[-1]
    raise DataError(
        f"A record does not have the time '{key}'.",
        expected="the feature named in splits.time, in the context or the steps of every training record",
        received=f"an empty '{key}'" if found else f"no '{key}' beside {sorted([*features.feature, *steps])[:8]}",
        fix="Add the time to the record, or set splits.time to another feature.",
    )


def empty_split(name: str, held_back: HoldBack, counts: Mapping[str, int] | None = None) -> DataError:
    """The error for a division that leaves a split without records.

    Args:
        name: The split.
        held_back: How the training records are divided.
        counts: Number of training records in each split, if known.
    """
    of, equal = "record", "equal records fall into the same one"
    if held_back.group:
        of, equal = "group", f"all records with the same '{held_back.group}' fall into the same one"
    shares = ", ".join(f"{share:g} for {split}" for split, share in held_back.shares.items())
    received = held_back.words if held_back.time else f"fractions of the training {of}s: {shares}"
    if counts is not None:
        divided = ", ".join(f"{split} {count}" for split, count in counts.items())
        how = held_back.words if held_back.time else f"divided by the hashes of their {of}s" if held_back.group else ""
        received = f"{sum(counts.values())} training records, {how or 'divided by their hashes'}: {divided}"
    if held_back.time:
        bound = " and ".join(f"splits.{split}_from" for split in held_back.bounds)
        return DataError(
            f"No training record falls into the split '{name}'.",
            expected="at least one record in each split",
            received=received,
            fix=f"Change {bound} in the spec.",
        )
    if name == "train":
        smaller = " and ".join(f"splits.{split}_fraction" for split in held_back.shares)
        return DataError(
            f"No record is left in 'train': all are held back for {' and '.join(held_back.shares)}.",
            expected=f"at least one record in each split ({equal})",
            received=received,
            fix=f"Provide more training {of}s, or set a smaller {smaller} in the spec.",
        )
    return DataError(
        f"The split '{name}' has no files, and no training record is held back for it.",
        expected=f"at least one record in each split ({equal})",
        received=received,
        fix=f"Provide more training {of}s, files that match splits.{name}, "
        f"or set a larger splits.{name}_fraction in the spec.",
    )


def _index_of_share(share: float, held_back: Mapping[str, float]) -> int:
    bounds = itertools.accumulate(held_back[name] for name in sorted(held_back))
    return next((i for i, bound in enumerate(bounds) if share < bound), len(held_back))


def _split_at(moment: int | float | str, held_back: HoldBack) -> str:
    """The split with the latest first time that is not after the record's time."""
    bound = next(iter(held_back.bounds.values()))
    if isinstance(moment, str) != isinstance(bound, str) or (isinstance(moment, float) and math.isnan(moment)):
        stored = f"the text '{moment}'" if isinstance(moment, str) else f"the number {moment}"
        raise DataError(
            f"The time '{held_back.time}' of a record cannot be compared with the times in the spec.",
            expected=f"{'text' if isinstance(bound, str) else 'a number'}, such as {bound!r}",
            received=stored,
            fix="Write splits.valid_from and splits.test_from in the type of the records' time: a number or text.",
        )
    reached = {name: first for name, first in held_back.bounds.items() if not moment < first}  # type: ignore[operator]
    return max(reached, key=lambda name: reached[name]) if reached else "train"


def _side(record: Any) -> str:
    return "features" if hasattr(record, "features") else "context"
