"""Statistics of a data set that complete the columns of a layer: vocabularies, moments and quantiles."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.features.column_forms import are_split_later, column_form, feature_value
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.features.feature_lengths import lengths_of_forms
from tfx_sequences.components.features.step_values import Dense, as_tensor
from tfx_sequences.components.features.term_counts import TermCounts
from tfx_sequences.components.numbers.quantile_sketch import QuantileSketch
from tfx_sequences.components.numbers.statistics import Moments
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.columns.column import BucketizedColumn, Scaling, TermColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH
from tfx_sequences.schemas.columns.shared_tables import columns_by_table

_QUARTERS = 4


class SplitFigures:
    """The statistics that some columns need, from batches of features.

    Memory is bounded by the number of distinct terms; quantiles are those of a sketch.

    Args:
        columns: Sequence and context columns for which `is_adaptable` is true.

    >>> from tfx_sequences.schemas.columns.column import NumericColumn
    >>> figures = SplitFigures([NumericColumn(key="x", is_sequence=True, normalizer="z_score")])
    >>> figures.add({"x": tf.constant([[1.0, 5.0], [3.0, 99.0]]), "sequence_length": tf.constant([2, 1])})
    >>> [figures.completed(column).normalizer for column in figures.columns]
    [Scaling(offset=(3.0,), scale=(0.6123724356957945,), then='none')]
    """

    def __init__(self, columns: Sequence[Any]) -> None:
        self.columns = list(columns)
        self._ids = [ColumnIds(column) if isinstance(column, TermColumn) else None for column in columns]
        counts = {id(c): TermCounts() for c in columns if isinstance(c, TermColumn)}
        for users in columns_by_table(columns).values():
            # Columns that share a table share the vocabulary with the terms of all.
            counts.update({id(user): counts[id(users[0])] for user in users if id(users[0]) in counts})
        self._found: list[Any] = [counts.get(id(c)) or _Numbers(c.size) for c in columns]

    def add(self, features: Mapping[str, Any]) -> None:
        """Adds a batch of features, in any form that the layers take."""
        features = {name: as_tensor(value, name) for name, value in features.items() if value is not None}
        forms = [self._form(features, column, ids) for column, ids in zip(self.columns, self._ids, strict=True)]
        of_steps = [form for form, column in zip(forms, self.columns, strict=True) if column.is_sequence]
        longest, real = 1, None
        if of_steps:
            lengths, longest = lengths_of_forms(of_steps, features.get(SEQUENCE_LENGTH))
            real = tf.sequence_mask(lengths, longest)
        for column, ids, form, found in zip(self.columns, self._ids, forms, self._found, strict=True):
            steps, mask = (longest, real) if column.is_sequence else (1, tf.ones(tf.stack([form.batch(), 1]), tf.bool))
            found.add(_numbers(form, steps, mask) if ids is None else _terms(column, ids, form, steps, mask))

    def completed(self, column: Any) -> Any:
        """The column with what was found, which a layer can compute.

        Raises:
            DataError: There was no value, or no term, or terms are not text.
        """
        found = self._found[next(at for at, own in enumerate(self.columns) if own is column)]
        if isinstance(column, TermColumn):
            return column.model_copy(update={"vocabulary": None, "vocabulary_list": _vocabulary(column, found)})
        if not found.moments.count.any():
            raise DataError(
                f"adapt found no value of '{column.key}'.", expected="numbers", received="a data set without any"
            )
        if isinstance(column, BucketizedColumn):
            between = found.quantiles.quantiles(int(column.num_buckets or 0))[0, 1:-1]
            return column.model_copy(update={"num_buckets": None, "boundaries": tuple(np.unique(between).tolist())})
        return column.model_copy(update={"normalizer": _scaling(column.normalizer, found)})

    def _form(self, features: Mapping[str, Any], column: Any, ids: ColumnIds | None) -> Any:
        keys = (column.key, *(further.key for further in column.further_features))
        return column_form(column, ids, *(feature_value(features, key, is_sequence=column.is_sequence) for key in keys))


class _Numbers:
    def __init__(self, size: int) -> None:
        self.moments = Moments.of(np.zeros((0, size)))
        self.quantiles = QuantileSketch(size)

    def add(self, values: np.ndarray) -> None:
        self.moments = self.moments.merged(Moments.of(values))
        self.quantiles.add(values)


def feature_batches(data: Any, steps: int | None) -> Iterable[Mapping[str, Any]]:
    """The features of each batch of a data set.

    Args:
        data: One dict of features; or an iterable of dicts, or of tuples that begin with one. A `SequenceDataset` is
            afterwards where it was before.
        steps: Maximum number of batches; None for all.

    Raises:
        UserInputError: An element of it is not a dict of features.
    """
    before = data.state() if hasattr(data, "state") and hasattr(data, "restore") else None
    for batch in [data] if isinstance(data, Mapping) else itertools.islice(data, steps):
        features = batch[0] if isinstance(batch, tuple | list) and batch else batch
        if not isinstance(features, Mapping):
            raise UserInputError(
                "adapt was given a data set without names of features.",
                expected="dicts of features, or tuples that begin with one, as of make_dataset",
                received=f"{type(features).__module__}.{type(features).__name__}",
            )
        yield features
    if before is not None:
        data.restore(before)


def _terms(column: TermColumn, ids: ColumnIds, form: Any, steps: Any, mask: tf.Tensor) -> tf.Tensor:
    """The terms `[N]` of real steps."""
    if isinstance(form, Dense):
        values = form.ids(steps)
        real = mask if values.shape.rank == 2 else tf.broadcast_to(mask[:, :, None], tf.shape(values))
        flat = tf.boolean_mask(values, real)
    else:
        flat, _ = form.flat(steps)
    return ids.terms(ids.tokens(flat).values if are_split_later(column) else flat)


def _numbers(form: Any, steps: Any, mask: tf.Tensor) -> np.ndarray:
    """The numbers float64 `[N, E]` of real steps, NaN for missing ones."""
    numbers, present = tf.cast(form.dense(steps, 0.0), tf.float64), form.present(steps)
    if present is not None:
        numbers = tf.where(present, numbers, tf.constant(np.nan, tf.float64))
    return tf.boolean_mask(numbers, mask).numpy()


def _vocabulary(column: TermColumn, counts: TermCounts) -> tuple[Any, ...]:
    terms = counts.terms(column.vocabulary)  # type: ignore[arg-type]
    if not terms:
        least = column.vocabulary.frequency_threshold or 1  # type: ignore[union-attr]
        raise DataError(
            f"adapt found no term for the vocabulary of '{column.key}'.",
            expected=f"at least one term that occurs {least} times or more",
            received="a data set without such a term",
            fix="Lower frequency_threshold, or give a vocabulary_list.",
        )
    try:
        texts = [term.decode("utf-8") for term in terms]
    except UnicodeDecodeError as error:
        raise DataError(
            f"The column '{column.key}' contains bytes that are not text.",
            expected="terms in UTF-8",
            received=f"{len(error.object)} bytes that begin with {error.object[:8]!r}",
            fix="Set an encoding for the column if the bytes are numbers, or write text.",
        ) from error
    return tuple(int(text) for text in texts) if column.term_dtype == "int64" else tuple(texts)


def _scaling(normalizer: Any, found: _Numbers) -> Scaling:
    """The offset and scale of a normalizer, as in `split_normalizers`."""
    if normalizer == "z_score":
        return _scaled(found.moments.mean, found.moments.std)
    if normalizer == "min_max":
        least, greatest = found.quantiles.quantiles(1).T
        return _scaled(least, greatest - least)
    _, low, median, high, _ = found.quantiles.quantiles(_QUARTERS).T
    return _scaled(median, np.where(high > low, high - low, found.moments.std))


def _scaled(offset: np.ndarray, unit: np.ndarray) -> Scaling:
    unit = np.where(unit > 0, unit, 1.0)
    return Scaling(offset=tuple(offset.tolist()), scale=tuple((1 / unit).tolist()))
