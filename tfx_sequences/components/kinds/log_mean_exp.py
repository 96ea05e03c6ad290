"""The logarithm of the mean of numbers that are given as logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from keras import ops


def log_mean_exp(logarithms: Sequence[Any]) -> Any:
    """The logarithm of the elementwise mean of tensors that are given as logarithms.

    >>> import numpy as np
    >>> half = log_mean_exp([np.log([0.2, 0.9]), np.log([0.8, 0.1])])
    >>> print(np.exp(half).round(6))
    [0.5 0.5]
    """
    return ops.logsumexp(ops.stack(logarithms), axis=0) - math.log(len(logarithms))
