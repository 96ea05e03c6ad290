"""Files named in a spec: on this machine, or in one of TensorFlow's file systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tfx_sequences.schemas.columns.column_base import BaseColumn, IdColumn


def read_bytes(file: str) -> bytes:
    """The file's content; TensorFlow is only imported for remote files.

    Raises:
        OSError: The file cannot be read.
    """
    if "://" not in file:
        return Path(file).read_bytes()
    import tensorflow as tf

    try:
        return tf.io.gfile.GFile(file, "rb").read()
    except tf.errors.OpError as error:
        raise OSError(error.message) from error


def named_files(column: BaseColumn) -> Iterator[tuple[str, str]]:
    """The files of a column: field (`vocabulary_file` or `embedding.vectors_file`, ...) and path."""
    vocabulary = getattr(column, "vocabulary_file", None)
    if vocabulary:
        yield "vocabulary_file", vocabulary
    if isinstance(column, IdColumn) and column.embedding:
        for field in ("vectors_file", "vectors_terms_file"):
            file = getattr(column.embedding, field)
            if file:
                yield f"embedding.{field}", file
