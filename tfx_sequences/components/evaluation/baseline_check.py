"""The check before an evaluation with a baseline: does the last blessed model have the outputs that are needed?

It may come from an earlier version of this package, or from a spec with other labels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfx_sequences.components.serving.model_card import MODEL_CARD
from tfx_sequences.components.serving.names import MEASURES_SIGNATURE, SUMS
from tfx_sequences.errors import UserInputError, shortened
from tfx_sequences.version import __version__

_FIX = "Run once without evaluation.baseline. Later models are then compared with the model blessed in that run."


def check_baseline(models: Sequence[Any]) -> None:
    """Rejects a baseline that lacks the outputs from which the candidate's metrics are computed.

    Args:
        models: TFMA's `EvalSharedModel`s; one of them may be the baseline.

    Raises:
        UserInputError: The message names the model, the version that exported it, and what differs.
    """
    candidates = [model.model_path for model in models if not model.is_baseline]
    for baseline in [model.model_path for model in models if model.is_baseline]:
        compare_with_baseline(candidates[0], baseline)


def compare_with_baseline(candidate: str, baseline: str) -> None:
    """The same for the folders of two models."""
    difference = _difference(_outputs(candidate), _outputs(baseline))
    if difference:
        raise UserInputError(
            f"Cannot compare with the last blessed model, {baseline}.",
            expected=f"a model whose signature '{MEASURES_SIGNATURE}' has the outputs of this model's signature",
            received=f"{difference}; tfx-sequences {_version(baseline)} exported it, but this is {__version__}",
            fix=_FIX,
        )


def _difference(wanted: dict[str, Any] | None, found: dict[str, Any] | None) -> str:
    """Describes what the baseline lacks; empty if it has everything."""
    if found is None or wanted is None:
        return "no such signature"
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        return f"no output {shortened(missing)}"
    for name, output in wanted.items():
        if output.dtype != found[name].dtype:
            its, ours = (tf.as_dtype(o.dtype).name for o in (found[name], output))
            return f"output '{name}' has type {its}, not {ours}"
        # Sums are identified by their position.
        if name.endswith(SUMS) and output.tensor_shape != found[name].tensor_shape:
            its, ours = (o.tensor_shape.dim[-1].size for o in (found[name], output))
            return f"output '{name}' has {its} sums, not {ours}"
    return ""


def _outputs(directory: str) -> dict[str, Any] | None:
    """The outputs of the signature that metrics are computed from, by name; None if it does not exist."""
    with tf.io.gfile.GFile(os.path.join(directory, "saved_model.pb"), "rb") as file:
        saved = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved.meta_graphs:
        if MEASURES_SIGNATURE in meta_graph.signature_def:
            return dict(meta_graph.signature_def[MEASURES_SIGNATURE].outputs)
    return None


def _version(directory: str) -> str:
    try:
        with tf.io.gfile.GFile(os.path.join(directory, MODEL_CARD)) as file:
            return str(json.load(file)["tfx_sequences_version"])
    except (tf.errors.NotFoundError, ValueError, KeyError):
        return "of an unknown version"
