"""Creates columns of this package from the arguments of `tf.feature_column`'s builders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, NumericColumn


def make_numeric(
    key: str, shape: Any, default_value: Any, dtype: Any, normalizer: Any, clip: float | None, **fields: Any
) -> NumericColumn:
    """A numeric column."""
    return declared(
        NumericColumn,
        key=key,
        shape=(shape,) if isinstance(shape, int) else tuple(shape),
        default_value=_number(default_value, key),
        dtype=stored_dtype(dtype, key),
        normalizer="none" if normalizer is None else normalizer,
        clip=None if clip is None else float(clip),
        **fields,
    )


def _number(default_value: Any, key: str) -> float | None:
    try:
        return None if default_value is None else float(default_value)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"Column '{key}' has a default_value that is not a number.",
            expected="a single number for all elements of the shape, or None",
            received=f"{default_value!r}",
        ) from error


def make_bucketized(source: Any, boundaries: Sequence[float], *, is_sequence: bool) -> BucketizedColumn:
    """The bucketized column of a numeric column; raises `SpecError` if the numbers are normalized."""
    if not isinstance(source, NumericColumn) or source.normalizer != "none" or source.is_sequence != is_sequence:
        kind = "sequence_numeric_column" if is_sequence else "numeric_column"
        raise SpecError(
            "Only numbers without a normalizer can be bucketized.",
            expected=f"a {kind} without a normalizer: boundaries are in the units of the records",
            received=f"{source!r}",
        )
    return declared(
        BucketizedColumn,
        key=source.key,
        is_sequence=is_sequence,
        shape=source.shape,
        dtype=source.dtype,
        default_value=source.default_value,
        boundaries=tuple(float(b) for b in boundaries),
    )


def make_categorical(key: str, is_sequence: bool, multi_valued: bool, **fields: Any) -> CategoricalColumn:
    """A categorical column with the given fields."""
    return declared(CategoricalColumn, key=key, is_sequence=is_sequence, multi_valued=multi_valued, **fields)


def make_listed(
    key: str, is_sequence: bool, multi_valued: bool, terms: Any, dtype: Any, default_value: Any, oov: int
) -> CategoricalColumn:
    """A categorical column with listed terms."""
    terms = tuple(t.decode() if isinstance(t, bytes) else t if isinstance(t, str) else int(t) for t in terms)
    if dtype is None:
        dtype = "int64" if terms and isinstance(terms[0], int) else "string"
    return make_categorical(
        key,
        is_sequence,
        multi_valued,
        dtype=stored_dtype(dtype, key),
        vocabulary_list=terms,
        **_unknown(key, default_value, oov),
    )


def make_filed(
    key: str, is_sequence: bool, multi_valued: bool, file: Any, size: int | None, oov: int, default: Any, dtype: Any
) -> CategoricalColumn:
    """A categorical column with the terms in a file."""
    return make_categorical(
        key,
        is_sequence,
        multi_valued,
        dtype=stored_dtype(dtype, key),
        vocabulary_file=str(file),
        vocabulary_size=size,
        **_unknown(key, -1 if default is None else default, oov),
    )


def _unknown(key: str, default_value: int | None, num_oov_buckets: int) -> dict[str, Any]:
    if num_oov_buckets and default_value not in (None, -1):
        raise SpecError(
            f"Column '{key}' assigns two ids to unknown terms.",
            expected="default_value or num_oov_buckets",
            received=f"default_value={default_value}, num_oov_buckets={num_oov_buckets}",
            fix="Remove one of them.",
        )
    return {"num_oov_buckets": num_oov_buckets, "default_value": None if num_oov_buckets else default_value}


def stored_dtype(dtype: Any, key: str) -> str:
    """The name of the dtype that records store; raises `SpecError` for other dtypes."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "name", None) or getattr(dtype, "__name__", str(dtype))
    stored = {"int32": "int64", "float64": "float32"}.get(str(name), str(name))
    if stored not in ("string", "int64", "float32"):
        raise SpecError(
            f"Column '{key}' has a dtype that records cannot store.",
            expected="string, int64 or float32",
            received=str(dtype),
        )
    return stored
