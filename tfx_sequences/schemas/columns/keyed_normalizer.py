"""A normalizer with separate statistics for each value of another feature, such as a lab test, device or channel."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared


class ZScoreBy(Declared):
    """`(x - mean) / deviation`, with the statistics of the training values that have the same key.

    Values without a key, or with a key that is not in the training split, use the statistics of all values. If all
    values of a key are equal, the standard deviation of all values is used.

    >>> ZScoreBy(z_score_by="lab_test")
    ZScoreBy(z_score_by='lab_test', dtype='string', source=None)
    """

    z_score_by: str = pydantic.Field(min_length=1)
    """Key of the feature with the keys, one per step (or per record)."""
    dtype: Literal["string", "int64"] = "string"
    """Dtype of the keys in the record."""
    source: Literal["context", "sequence"] | None = None
    """Where the keys are stored; None: in the same place as the column's values."""
