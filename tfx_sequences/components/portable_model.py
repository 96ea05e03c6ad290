"""Whether the network without special kernels, which is exported, answers as the trained one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tfx_sequences.errors import TfxSequencesError

# Kernels add up in different orders, half precision roughly; a wrong weight is off by far more.
_TOLERANCE = 1e-3
_TOLERANCE_OF_HALF = 5e-2


def is_half_precision(model: keras.Model) -> bool:
    """Whether any layer computes in float16 or bfloat16."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for layer in model.layers)


def require_same_answers(portable: Mapping[str, Any], trained: Mapping[str, Any], *, half: bool) -> float:
    """Compares predictions of the same records by both.

    Args:
        portable: Outputs of the network that is exported, by name; strings are not looked at, for a tie
            may fall either way.
        trained: Those of the network that was fitted.
        half: Whether layers compute in half precision.

    Returns:
        The largest difference, relative to the output's largest number where that is above 1.

    Raises:
        TfxSequencesError: They differ by more than rounding explains.

    >>> require_same_answers({"scores": np.array([0.5])}, {"scores": np.array([0.5])}, half=False)
    0.0
    """
    largest, allowed = 0.0, _TOLERANCE_OF_HALF if half else _TOLERANCE
    for name, received in portable.items():
        received, expected = np.asarray(received), np.asarray(trained[name])
        if received.dtype.kind != "f" or not received.size:
            continue
        scale = max(1.0, float(np.abs(expected).max()))
        difference = float(np.abs(received - expected).max()) / scale
        if not difference <= allowed:
            raise TfxSequencesError(
                f"The network that is exported does not answer as the trained one: output '{name}' differs by "
                f"{difference:g}, more than {allowed:g}. With model.builder: make the same weights in the same order "
                "whatever use_cudnn is."
            )
        largest = max(largest, difference)
    return largest
