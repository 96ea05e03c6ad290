"""Columns of `tf.feature_column` and features for them, for property tests against tf_keras.

A feature is rows of steps of values. A step may lack values (all of them, or the last
ones of an array), except a row's last step, by whose values a sparse tensor knows the row's end.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

fc = tf.feature_column

DIMENSION = 3
NUM_IDS = 5
TERMS = ["a", "b", "ü", "long term"]
UNKNOWN_TERMS = ["", "A", "zzz", "b "]
NUMBERS = [7, 5, -3, 1 << 40]
UNKNOWN_NUMBERS = [0, -1, 8]
JUNK = {"f": -777.0, "i": -99, "O": "junk"}
"""What stands in padding."""


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """A column before it is embedded.

    Attributes:
        kind: In the name of the function that builds it.
        options: Of that function.
        values: Ids or terms to draw from; None for numbers.
        stored: numpy dtype of the feature.
    """

    kind: str
    options: dict[str, Any]
    values: list[Any] | None = None
    stored: Any = np.int64

    def build(self, key: str, *, is_sequence: bool = True) -> Any:
        name = "numeric_column" if self.kind == "numeric" else f"categorical_column_with_{self.kind}"
        return getattr(fc, ("sequence_" if is_sequence else "") + name)(key, **self.options)

    @functools.cached_property
    def shape(self) -> tuple[int, ...] | None:
        """Of a step's numbers; None for ids and terms."""
        return self.options.get("shape", (1,)) if self.values is None else None

    @functools.cached_property
    def size(self) -> int | None:
        return None if self.shape is None else math.prod(self.shape)

    @property
    def default(self) -> Any:
        """What upstream pads numbers with."""
        return self.options.get("default_value", 0)


NUMERIC = [
    Source("numeric", {}, stored=np.float32),
    Source("numeric", {"shape": ()}, stored=np.float32),
    Source("numeric", {"shape": (3,)}, stored=np.float32),
    Source("numeric", {"shape": (2, 2)}, stored=np.float32),
    Source("numeric", {"shape": (2,), "default_value": 1.5}, stored=np.float32),
    Source("numeric", {"shape": (2,), "default_value": -3, "dtype": tf.int64}),
]
IDENTITY = [
    Source("identity", {"num_buckets": NUM_IDS}, list(range(NUM_IDS))),
    Source("identity", {"num_buckets": NUM_IDS}, list(range(NUM_IDS)), np.int32),
    Source("identity", {"num_buckets": NUM_IDS, "default_value": 1}, list(range(-2, NUM_IDS + 3))),
]
_LISTED = {"vocabulary_list": TERMS}
_LISTED_NUMBERS = {"vocabulary_list": NUMBERS, "dtype": tf.int64}
VOCABULARY_LIST = [
    Source("vocabulary_list", _LISTED, TERMS + UNKNOWN_TERMS, object),
    Source("vocabulary_list", {**_LISTED, "default_value": 2}, TERMS + UNKNOWN_TERMS, object),
    Source("vocabulary_list", {**_LISTED, "num_oov_buckets": 3}, TERMS + UNKNOWN_TERMS, object),
    Source("vocabulary_list", _LISTED_NUMBERS, NUMBERS + UNKNOWN_NUMBERS),
    Source("vocabulary_list", {**_LISTED_NUMBERS, "num_oov_buckets": 3}, NUMBERS + UNKNOWN_NUMBERS),
]
HASH_BUCKET = [
    Source("hash_bucket", {"hash_bucket_size": NUM_IDS}, TERMS + UNKNOWN_TERMS, object),
    Source("hash_bucket", {"hash_bucket_size": NUM_IDS, "dtype": tf.int64}, NUMBERS + UNKNOWN_NUMBERS),
]


def vocabulary_files(folder: Any) -> list[Source]:
    """Columns of files, which are written to `folder`."""
    terms, numbers = folder / "terms.txt", folder / "numbers.txt"
    terms.write_text("\n".join(TERMS) + "\n", "utf-8")
    numbers.write_text("\n".join(map(str, NUMBERS)), "utf-8")
    listed = {"vocabulary_file": str(terms)}
    return [
        Source("vocabulary_file", listed, TERMS + UNKNOWN_TERMS, object),
        Source("vocabulary_file", {**listed, "default_value": 1}, TERMS + UNKNOWN_TERMS, object),
        Source("vocabulary_file", {**listed, "vocabulary_size": 2, "num_oov_buckets": 2}, TERMS, object),
        Source("vocabulary_file", {"vocabulary_file": str(numbers), "dtype": tf.int64}, NUMBERS + UNKNOWN_NUMBERS),
    ]


REPRESENTATIONS = {
    "mean": lambda c: fc.embedding_column(c, DIMENSION),
    "sum": lambda c: fc.embedding_column(c, DIMENSION, combiner="sum"),
    "sqrtn, max_norm": lambda c: fc.embedding_column(c, DIMENSION, combiner="sqrtn", max_norm=0.7),
    "mean, max_norm": lambda c: fc.embedding_column(c, DIMENSION, max_norm=0.7),
    "sum, max_norm": lambda c: fc.embedding_column(c, DIMENSION, combiner="sum", max_norm=0.7),
    "sqrtn": lambda c: fc.embedding_column(c, DIMENSION, combiner="sqrtn"),
    "indicator": fc.indicator_column,
}


@functools.cache
def column(source: Source, representation: str, key: str, is_sequence: bool = True) -> Any:
    """The column as a layer takes it; the same object for the same arguments."""
    built = source.build(key, is_sequence=is_sequence)
    return built if source.values is None else REPRESENTATIONS[representation](built)


@dataclasses.dataclass(frozen=True)
class Feature:
    """The values of a feature, to be given in any form.

    Attributes:
        source: What column they are for.
        rows: Rows of steps of values.
        steps: `T` of the sparse and dense forms, at least the longest row's.
        is_nested: Whether the sparse form is `[B, T, V]`, not `[B, T]`.
    """

    source: Source
    rows: list[list[list[Any]]]
    steps: int
    is_nested: bool

    @property
    def lengths(self) -> list[int]:
        return [len(row) for row in self.rows]

    @property
    def is_complete(self) -> bool:
        """Every step has as many values as every other, so that the values stand in a grid."""
        return len({len(step) for row in self.rows for step in row} | {self._width}) == 1

    @property
    def _width(self) -> int:
        longest = max((len(step) for row in self.rows for step in row), default=1)
        return self.source.size or (max(longest, 1) if self.is_nested else 1)

    def sparse(self) -> tf.SparseTensor:
        width = self._width
        cells = [
            ((b, t, v), value)
            for b, row in enumerate(self.rows)
            for t, step in enumerate(row)
            for v, value in enumerate(step)
        ]
        indices = [i if self.is_nested else (i[0], i[1] * width + i[2]) for i, _ in cells]
        batch = len(self.rows)
        shape = (batch, self.steps, width) if self.is_nested else (batch, self.steps * width)
        return tf.SparseTensor(
            np.array(indices, np.int64).reshape(-1, len(shape)), self._array([v for _, v in cells]), shape
        )

    def ragged(self) -> tf.RaggedTensor:
        """`[B, T]` where that can hold the values, else `[B, T, V]`."""
        flat = self._array([value for row in self.rows for step in row for value in step])
        if not self.is_nested and self.is_complete:
            return tf.RaggedTensor.from_row_lengths(flat, [len(row) * self._width for row in self.rows])
        values = tf.RaggedTensor.from_row_lengths(flat, [len(step) for row in self.rows for step in row])
        return tf.RaggedTensor.from_row_lengths(values, self.lengths)

    def dense(self) -> np.ndarray | None:
        """`[B, T]` or `[B, T, ...]`, junk in the padding; None where values do not stand in a grid."""
        if not self.is_complete and self.source.size is None:
            return None
        grid = np.full([len(self.rows), max(self.steps, 1), self._width], JUNK[np.dtype(self.source.stored).kind])
        grid = grid.astype(self.source.stored)
        for b, row in enumerate(self.rows):
            for t, step in enumerate(row):
                grid[b, t] = [*step, *[self.source.default] * (self._width - len(step))]
        inner = self.source.shape if self.source.shape is not None else (self._width,) if self.is_nested else ()
        if self.source.shape in ((1,), ()) and not self.is_nested:
            inner = ()
        return grid.reshape(grid.shape[:2] + inner)

    def _array(self, values: list[Any]) -> np.ndarray:
        return np.array(values, self.source.stored)


_FLOATS = st.floats(-8, 8, width=32)
_INTEGERS = st.integers(-8, 8)


@st.composite
def features(draw, sources: list[Source], least_rows: int = 0, is_nested: bool | None = None) -> list[Feature]:
    """One feature per source, of the same lengths; `is_nested` as given, or any."""
    lengths = draw(st.lists(st.integers(0, 4), min_size=least_rows, max_size=4))
    # An empty batch of flat numbers has no steps upstream, so nothing has.
    steps = max(lengths) + draw(st.integers(0, 2)) if lengths else 0
    return [draw(_feature(source, lengths, steps, is_nested)) for source in sources]


@st.composite
def _feature(draw, source: Source, lengths: list[int], steps: int, is_nested: bool | None) -> Feature:
    if is_nested is None:
        is_nested = draw(st.booleans())
    lacks = draw(st.sampled_from([False, False, True]))
    most = source.size or (3 if is_nested else 1)
    if source.values is not None:
        value = st.sampled_from(source.values)
    else:
        value = _FLOATS if np.dtype(source.stored).kind == "f" else _INTEGERS
    rows = []
    for length in lengths:
        row = []
        for step in range(length):
            least = (0 if step < length - 1 else 1) if lacks else (source.size or 1)
            row.append(draw(st.lists(value, min_size=least, max_size=most)))
        rows.append(row)
    return Feature(source, rows, steps, is_nested)
