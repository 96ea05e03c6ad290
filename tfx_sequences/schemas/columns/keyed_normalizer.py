"""A normaliser with statistics of their own for each value of another feature: of each lab test, device or channel."""

from __future__ import annotations

from typing import Literal

import pydantic

from tfx_sequences.schemas.columns.base import Declared


class ZScoreBy(Declared):
    """`(x - mean) / deviation`, both of the training values that have the same key.

    Values of a key that the training split does not have, or without a key, take mean and deviation of all values; so
    does the deviation where all values of a key are equal.

    >>> ZScoreBy(z_score_by="lab_test")
    ZScoreBy(z_score_by='lab_test', dtype='string', source=None)
    """

    z_score_by: str = pydantic.Field(min_length=1)
    """Key of the feature that has the keys, one for each step (or for the record)."""
    dtype: Literal["string", "int64"] = "string"
    """How the record stores the keys."""
    source: Literal["context", "sequence"] | None = None
    """Where the keys are stored; None: where the column's own values are."""
