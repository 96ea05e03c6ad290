"""Mixed precision for everything built within a context, and only there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """Layers and models created in the context compute in this precision.

    Args:
        name: A value of `training.precision`.

    >>> with precision("mixed_bfloat16"):
    ...     inside = keras.layers.Dense(1).compute_dtype
    >>> inside, keras.layers.Dense(1).compute_dtype
    ('bfloat16', 'float32')
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
