"""Columns of several features: each combination of their values has an id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pydantic

from tfx_sequences.schemas.columns.base import Strings, declared
from tfx_sequences.schemas.columns.column_base import FurtherFeature, IdColumn


class CrossedColumn(IdColumn):
    """Combinations of the values of several features in a step (or in the record), with their hashes as ids.

    The ids are those of `tf.feature_column.crossed_column` and `tf.sparse.cross_hashed`. A step in which one of the
    features is missing has no id and gives a vector of zeros.

    >>> CrossedColumn(keys=("item", "hour"), hash_bucket_size=1000, is_sequence=True).name
    'hour_X_item_embedding'
    """

    type: Literal["crossed"] = "crossed"
    keys: Strings = pydantic.Field(min_length=2)
    """Keys of the features, which are all per step or all per record; their order matters."""
    dtypes: dict[str, Literal["string", "int64"]] = {}
    """Dtypes of the features in the record, by key; the default is string."""
    hash_bucket_size: pydantic.PositiveInt
    """Ids are the hash of the combination, modulo this number."""
    hash_key: int | None = None
    """The initial value of the hash; None uses TensorFlow's default."""
    multi_valued: bool = False
    """Whether a step (or a record) may have any number of values of each feature: every combination has an id."""
    indicator: bool = False
    """Whether the model gets a one-hot vector (counts, for several values) instead of an embedding."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _key_is_the_first(cls, data: Any) -> Any:
        keys = data.get("keys") if isinstance(data, dict) else None
        return {**data, "key": keys[0]} if isinstance(keys, list | tuple) and keys else data

    @pydantic.model_validator(mode="after")
    def _check(self) -> CrossedColumn:
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("keys contains a feature twice")
        unknown = sorted(set(self.dtypes) - set(self.keys))
        if unknown:
            raise ValueError(f"dtypes contains '{unknown[0]}', which is not one of the keys")
        if self.indicator and self.embedding:
            raise ValueError("set either indicator or embedding, not both")
        return self

    @property
    def is_indicator(self) -> bool:
        """Whether `indicator` is set; otherwise, the column is embedded."""
        return self.indicator

    @property
    def has_several_ids(self) -> bool:
        """The value of `multi_valued`."""
        return self.multi_valued

    @property
    def id_source(self) -> tuple[Any, ...]:
        """The features and the hash."""
        return ("crossed", self.keys, tuple(sorted(self.dtypes.items())), self.hash_bucket_size, self.hash_key)

    def dtype_of(self, key: str) -> Literal["string", "int64"]:
        """The dtype of one of the features in the record."""
        return self.dtypes.get(key, "string")

    @property
    def further_features(self) -> tuple[FurtherFeature, ...]:
        """The features after the first one."""
        return tuple(
            FurtherFeature(key, self.is_sequence, self.dtype_of(key), several=self.multi_valued)
            for key in self.keys[1:]
        )

    @property
    def name(self) -> str:
        """The keys in alphabetical order, as in `tf.feature_column`."""
        return self._representation_name("_X_".join(sorted(self.keys)))


def crossed_column(
    keys: Sequence[str], hash_bucket_size: int, hash_key: int | None = None, *, multi_valued: bool = True
) -> CrossedColumn:
    """Combinations of the values of several features of the record, with their hashes as ids.

    Args:
        keys: Keys of the features: strings or int64, with any number of values.
        hash_bucket_size: Number of ids.
        hash_key: The initial value of the hash; None uses TensorFlow's default.
        multi_valued: Whether each feature may have several values.

    >>> crossed_column(["a", "b"], hash_bucket_size=9).keys
    ('a', 'b')
    """
    return _crossed(keys, hash_bucket_size, hash_key, multi_valued, is_sequence=False)


def sequence_crossed_column(
    keys: Sequence[str], hash_bucket_size: int, hash_key: int | None = None, *, multi_valued: bool = False
) -> CrossedColumn:
    """Combinations of the values of several features of each step; see `crossed_column`.

    >>> sequence_crossed_column(["item", "hour"], hash_bucket_size=1000).is_sequence
    True
    """
    return _crossed(keys, hash_bucket_size, hash_key, multi_valued, is_sequence=True)


def _crossed(keys: Sequence[str], size: int, hash_key: int | None, multi_valued: bool, *, is_sequence: bool) -> Any:
    return declared(
        CrossedColumn,
        keys=tuple(keys),
        hash_bucket_size=size,
        hash_key=hash_key,
        multi_valued=multi_valued,
        is_sequence=is_sequence,
    )
