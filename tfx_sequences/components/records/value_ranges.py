"""Numbers of valid and test that lie outside those of train: a network has never seen their like."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.records.batches import Batch, Rows
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Share of a split's values, and how many times what is expected of records that are alike.
_SHARE, _TIMES = 0.05, 10.0


@dataclasses.dataclass
class _Range:
    """What one split has of a column: numbers `[E]` for each element of a vector."""

    records: int = 0
    values: int = 0
    least: np.ndarray | None = None
    most: np.ndarray | None = None
    outside: np.ndarray | None = None

    def add(self, values: np.ndarray, records: int, train: _Range | None) -> None:
        self.records += records
        self.values += len(values)
        least, most = values.min(axis=0), values.max(axis=0)
        self.least = least if self.least is None else np.minimum(self.least, least)
        self.most = most if self.most is None else np.maximum(self.most, most)
        if train is not None and train.least is not None:
            outside = ((values < train.least) | (values > train.most)).sum(axis=0)
            self.outside = outside if self.outside is None else self.outside + outside


class ValueRanges:
    """Ranges of the numeric columns of a spec, by split.

    Records of `train` are added before those of other splits, as far as these have files.

    Args:
        spec: The spec.
    """

    def __init__(self, spec: SequenceSpec) -> None:
        self._features = {n: feature_of(c) for n, c in spec.columns.items() if isinstance(c, NumericColumn)}
        self._found: dict[tuple[str, str], _Range] = {}

    def add(self, batch: Batch, splits: Sequence[str], *, after_train: bool) -> None:
        """Adds a parsed batch.

        Args:
            batch: The batch.
            splits: The split that a run puts each record into.
            after_train: All records of `train` have been added.
        """
        names = np.array(splits)
        for column, feature in self._features.items():
            found = _numbers(batch.rows[feature.tensor_name], feature)
            if found is None:
                continue
            values, of_record = found
            for split in dict.fromkeys(splits):
                inside = names[of_record] == split
                if inside.any():
                    train = self._found.get((column, "train")) if after_train else None
                    of_split = self._found.setdefault((column, split), _Range())
                    of_split.add(values[inside], int((names == split).sum()), train)

    def lines(self) -> list[str]:
        """A line for each column and split whose values are not those of `train`."""
        found = []
        for (column, split), its in self._found.items():
            train = self._found.get((column, "train"))
            if split == "train" or train is None or train.least is None or its.least is None:
                continue
            apart = (its.least > train.most) | (its.most < train.least)
            shares = np.where(apart, 1.0, 0.0 if its.outside is None else its.outside / its.values)
            place = int(shares.argmax())
            if shares[place] > max(_SHARE, _TIMES * 2 / (train.records + 1)) and its.values > 1:
                element = f", element {place}" if len(shares) > 1 else ""
                ranges = [f"{low[place]:g} to {high[place]:g}" for low, high in _bounds(train, its)]
                found.append(
                    f"{column}{element}: {shares[place]:.0%} of the values of {split} lie outside those of train: "
                    f"{ranges[1]}, and {ranges[0]} in train"
                )
        return found


def _bounds(*ranges: _Range) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(its.least, its.most) for its in ranges if its.least is not None and its.most is not None]


def _numbers(rows: Rows, feature: RawFeature) -> tuple[np.ndarray, np.ndarray] | None:
    """Finite values `[N, E]`, and the record of each; None without any, or where they do not fit the column."""
    if rows.tensor.dtype.name == "string" or not len(rows.values):
        return None
    size = feature.size
    if feature.is_sequence and len(rows.splits) == 1:  # a flat list, as in an Example
        if len(rows.values) % size:
            return None
    elif not np.isin(rows.counts, (0, size)).all():
        return None
    values = rows.values.reshape(-1, size).astype(np.float64)
    of_record = rows.records_of_values(np.arange(0, len(rows.values), size))
    finite = np.isfinite(values).all(axis=1)
    return (values[finite], of_record[finite]) if finite.any() else None
