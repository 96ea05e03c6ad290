"""Training that gives the same bits whenever it is repeated, and the digest that shows it.

On CPUs, TensorFlow's kernels split their sums by the number of threads, which does not change during a process. So the
spec's own network is always trained to the same bits. Ops that add in the order in which threads arrive
(`Variable.scatter_add` on CPUs, many kernels on GPUs) occur in the user's own layers and on GPUs:
`training.deterministic` is for those.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.errors import UserInputError


@contextlib.contextmanager
def deterministic_ops(wanted: bool) -> Iterator[None]:
    """Makes TensorFlow's ops give the same bits for the same inputs, or raise an error.

    Args:
        wanted: False changes nothing.

    Raises:
        UserInputError: The code in the context uses an op that TensorFlow cannot run deterministically.
    """
    if not wanted:
        yield
        return
    # There is no public function to switch it off, and training must not affect the rest of the process.
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    try:
        yield
    except (tf.errors.UnimplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, UserInputError) or "determinis" not in str(error).lower():
            raise
        raise UserInputError(
            "training.deterministic is true, but the network or its loss has an op that TensorFlow cannot run "
            "deterministically here.",
            expected="ops that give the same bits for the same inputs",
            received=_told(error),
            fix="Replace the op in your own layer or loss (random numbers need a seed), train on another kind of "
            "device, or set training.deterministic to false.",
        ) from error
    finally:
        if not before:
            config.disable_op_determinism()


def weights_digest(model: keras.Model) -> str:
    """A digest of 16 hexadecimal digits of all weights: equal for weights that are equal bit for bit.

    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    >>> weights_digest(model)
    '78b0aea616ab6124'
    """
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()[:16]


def _told(error: BaseException) -> str:
    """The sentence of an error that says what is not deterministic."""
    text = error.message if isinstance(error, tf.errors.OpError) else str(error)
    lines = [line.strip() for line in text.splitlines() if "determinis" in line.lower()]
    return lines[0] if lines else text.strip()
