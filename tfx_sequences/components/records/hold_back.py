"""Records of `train` held back for splits that have no files: which goes where, the same in every run.

The check before a run and the ingestion share this, so neither TensorFlow nor Beam is imported here.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Mapping
from typing import Any

from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import Splits

_BUCKETS = 10_000


def held_back_shares(splits: Splits, splits_with_files: Collection[str]) -> dict[str, float]:
    """The share of the training records that each split without files gets.

    >>> held_back_shares(Splits(valid_fraction=0.2), ("train", "test"))
    {'valid': 0.2}
    """
    shares = {"valid": splits.valid_fraction, "test": splits.test_fraction}
    return {name: share for name, share in shares.items() if name not in splits_with_files}


def split_names(held_back: Mapping[str, float]) -> list[str]:
    """The splits the training records are divided into, in the order of `split_index`.

    >>> split_names({"valid": 0.1, "test": 0.2})
    ['test', 'valid', 'train']
    """
    return [*sorted(held_back), "train"]


def split_index(record: Any, held_back: Mapping[str, float]) -> int:
    """Which of `split_names` a record of `train` belongs to."""
    bounds = itertools.accumulate(held_back[name] for name in sorted(held_back))
    share = record_share(record)
    return next((i for i, bound in enumerate(bounds) if share < bound), len(held_back))


def record_share(record: Any) -> float:
    """Where a record's hash falls in `[0, 1)`: the same in every run, equal for equal records.

    Args:
        record: The parsed protocol buffer. Its serialized bytes would not do, for
            equal records may be written in several ways.
    """
    data = record.SerializeToString(deterministic=True)
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "big") % _BUCKETS / _BUCKETS


def empty_split(name: str, held_back: Mapping[str, float], counts: Mapping[str, int] | None = None) -> DataError:
    """The error of a division that leaves a split without a record.

    Args:
        name: The split.
        held_back: What share of the training records each split was to get.
        counts: Training records that fall to each split, where that is known.
    """
    shares = ", ".join(f"{share:g} for {split}" for split, share in held_back.items())
    received = f"shares of the training records: {shares}"
    if counts is not None:
        divided = ", ".join(f"{split} {count}" for split, count in counts.items())
        received = f"{sum(counts.values())} training records, divided by their hashes: {divided}"
    if name == "train":
        smaller = " and ".join(f"splits.{split}_fraction" for split in held_back)
        return DataError(
            f"No record is left in 'train': all are held back for {' and '.join(held_back)}.",
            expected="at least one record in each split (equal records fall into the same one)",
            received=received,
            fix=f"Give more training records, or set a smaller {smaller} in the spec.",
        )
    return DataError(
        f"The split '{name}' has no files, and no training record is held back for it.",
        expected="at least one record in each split (equal records fall into the same one)",
        received=received,
        fix=f"Give more training records, files that match splits.{name}, "
        f"or set a larger splits.{name}_fraction in the spec.",
    )
