"""Checks that an exported model runs on any machine and gives the same predictions as the trained network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from tfx_sequences.components.network.ensemble import layers_by_path
from tfx_sequences.errors import TfxSequencesError, shortened

# Kernels add in different orders, and half precision is coarse; a wrong weight causes much larger differences.
_TOLERANCE = 1e-3
_TOLERANCE_OF_HALF = 5e-2


def is_half_precision(model: keras.Model) -> bool:
    """Whether any layer computes in float16 or bfloat16."""
    return any(layer.compute_dtype in ("float16", "bfloat16") for _, layer in layers_by_path(model))


def require_same_answers(portable: Mapping[str, Any], trained: Mapping[str, Any], *, half: bool) -> float:
    """Compares the predictions of both networks for the same records.

    Args:
        portable: Outputs of the exported network, by name. Integers must be equal; strings are not
            compared, because a tie may be resolved either way.
        trained: Outputs of the trained network.
        half: Whether layers compute in half precision.

    Returns:
        The largest difference, relative to the output's largest number if that is above 1.

    Raises:
        TfxSequencesError: They differ by more than rounding explains.

    >>> require_same_answers({"scores": np.array([0.5])}, {"scores": np.array([0.5])}, half=False)
    0.0
    """
    largest, allowed = 0.0, _TOLERANCE_OF_HALF if half else _TOLERANCE
    if portable.keys() != trained.keys():
        odd = shortened(sorted(portable.keys() ^ trained.keys()))
        raise _difference(f"only one of them has the outputs {odd}")
    for name, received in portable.items():
        received, expected = np.asarray(received), np.asarray(trained[name])
        if received.shape != expected.shape:
            raise _difference(f"output '{name}' has shape {received.shape}, not {expected.shape}")
        if received.dtype.kind in "iu" and (received != expected).any():
            raise _difference(f"output '{name}' has different integers")
        if received.dtype.kind != "f" or not received.size:
            continue
        scale = max(1.0, float(np.abs(expected).max()))
        difference = float(np.abs(received - expected).max()) / scale
        if not difference <= allowed:
            raise _difference(f"output '{name}' differs by {difference:g}, more than {allowed:g}")
        largest = max(largest, difference)
    return largest


def require_portable_graph(directory: str) -> None:
    """Rejects a SavedModel with cuDNN operations, or operations placed on a GPU, in any of its functions.

    Raises:
        TfxSequencesError: The message names the first of them.
    """
    for where, node in operations(directory):
        if "cudnn" in node.op.lower() or "GPU" in node.device:
            raise TfxSequencesError(
                f"The exported graph does not run on every machine: '{node.name}' in {where} is {node.op}"
                f"{f' on {node.device}' if node.device else ''}. With model.builder: create layers without cuDNN's "
                "kernels if use_cudnn is False, and do not name a device."
            )


def operations(directory: str) -> Iterator[tuple[str, Any]]:
    """All nodes of a SavedModel, each with the name of its function."""
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    with tf.io.gfile.GFile(f"{directory}/saved_model.pb", "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved.meta_graphs:
        yield from (("the graph", node) for node in meta_graph.graph_def.node)
        for function in meta_graph.graph_def.library.function:
            yield from ((function.signature.name, node) for node in function.node_def)


def _difference(what: str) -> TfxSequencesError:
    return TfxSequencesError(
        f"The exported network does not give the same outputs as the trained one: {what}. With model.builder: create "
        "the same weights in the same order whatever use_cudnn is."
    )
