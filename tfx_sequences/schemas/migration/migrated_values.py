"""Converts defaults and initializers of `tf.feature_column` columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from absl import logging

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import Scaling


def single_default(default: Any, key: str) -> float | None:
    """The single value of a default that upstream repeats to the column's shape.

    Raises:
        SpecError: The elements have different defaults.

    >>> single_default(((2.0, 2.0), (2.0, 2.0)), "x")
    2.0
    """
    if default is None:
        return None
    values = set(_leaves(default))
    if len(values) > 1:
        raise SpecError(
            f"Column '{key}' has a default_value per element.",
            expected="one default_value for all elements of the shape",
            received=str(default),
            fix="Split the feature into columns of one element, or fill in the records.",
        )
    return float(values.pop())


def _leaves(value: Any) -> Iterable[float]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def default_before(normalizer: Scaling | str | None, default: float | None, key: str) -> float | None:
    """The default before normalization, for our columns; upstream fills in the default after it.

    Raises:
        SpecError: It cannot be determined.

    >>> default_before(Scaling(offset=3.0, scale=0.5), 1.0, "x")
    5.0
    >>> default_before("log1p", 0.0, "x") is None  # because None is 0 after normalization
    True
    """
    if normalizer is None or default is None:
        return default
    if default == 0:
        return None
    if normalizer == "log1p":
        return math.copysign(math.expm1(abs(default)), default)
    if isinstance(normalizer, Scaling) and normalizer.scale:
        offset, scale = normalizer.offset, normalizer.scale
        if isinstance(offset, float) and isinstance(scale, float):
            return default / scale + offset
    raise SpecError(
        f"Column '{key}' has a default_value for which its normalizer cannot be inverted.",
        expected="default_value=0, or a Scaling with one offset and one scale",
        received=f"default_value={default}, {normalizer!r}",
        fix="Use default_value=0.",
    )


def initializer_name(initializer: Any, dimension: int, table: str) -> str:
    """The name of an initializer in specs; logs a warning if it does not have one."""
    kind = type(initializer).__name__
    if kind in ("Zeros", "Ones"):
        return kind.lower()
    if kind in _SAME_IN_KERAS:
        return "".join("_" + c.lower() if c.isupper() else c for c in kind).lstrip("_")
    is_default = kind == "TruncatedNormal" and (
        float(initializer.mean) == 0 and math.isclose(float(initializer.stddev), 1 / math.sqrt(dimension), rel_tol=1e-6)
    )
    if not is_default:
        logging.warning(
            "The initializer %r of '%s' does not have a name in specs: a new table starts from tf.feature_column's "
            "default, a truncated normal with deviation 1 / sqrt(dimension). Loaded weights are not affected.",
            initializer,
            table,
        )
    return "feature_column"


_SAME_IN_KERAS = {"GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform"}
