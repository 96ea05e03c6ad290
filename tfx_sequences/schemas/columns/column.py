"""Columns: what one feature of a record is, and how it becomes model input.

A column names a feature of a `tf.SequenceExample` (or `tf.Example`), says what
its values are and how they are transformed. Sequence columns give `[B, T, D]`,
context columns `[B, D]`; `D` is the column's width. The terms are those of
`tf.feature_column`. Nothing here imports TensorFlow.
"""

from __future__ import annotations

from typing import Annotated

import pydantic

from tfx_sequences.schemas.columns.alignment import Alignment
from tfx_sequences.schemas.columns.categorical_columns import CategoricalColumn, TextColumn, Vocabulary
from tfx_sequences.schemas.columns.column_base import IdColumn
from tfx_sequences.schemas.columns.crossed_columns import CrossedColumn
from tfx_sequences.schemas.columns.embedding import Embedding
from tfx_sequences.schemas.columns.image_column import ImageColumn
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy
from tfx_sequences.schemas.columns.numeric_columns import BucketizedColumn, NumericColumn, Scaling
from tfx_sequences.schemas.columns.time_columns import TimeColumn

__all__ = [
    "COLUMN_TYPES",
    "Alignment",
    "BucketizedColumn",
    "CategoricalColumn",
    "Column",
    "CrossedColumn",
    "Embedding",
    "IdColumn",
    "ImageColumn",
    "NumericColumn",
    "Scaling",
    "TermColumn",
    "TextColumn",
    "TimeColumn",
    "Vocabulary",
    "ZScoreBy",
]

Column = Annotated[
    NumericColumn | CategoricalColumn | BucketizedColumn | TextColumn | CrossedColumn | TimeColumn | ImageColumn,
    pydantic.Field(discriminator="type"),
]
TermColumn = CategoricalColumn | TextColumn
COLUMN_TYPES = {
    "numeric": NumericColumn,
    "categorical": CategoricalColumn,
    "bucketized": BucketizedColumn,
    "text": TextColumn,
    "image": ImageColumn,
    "time": TimeColumn,
    "crossed": CrossedColumn,
}
