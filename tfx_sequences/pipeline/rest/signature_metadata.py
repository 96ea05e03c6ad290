"""The signatures of a SavedModel as JSON, as TensorFlow Serving's metadata has them."""

from __future__ import annotations

import os
from typing import Any

from tfx_sequences.compat import message_to_dict
from tfx_sequences.components.records.opening import opened
from tfx_sequences.components.records.paths import path_of


def signature_metadata(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """By signature its inputs and outputs with dtype and shape, and its method.

    Args:
        folder: Of the SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    with opened(path_of(folder) / "saved_model.pb") as file:
        data = file.read()
    saved = saved_model_pb2.SavedModel.FromString(data)
    found = {}
    for meta_graph in saved.meta_graphs:
        for name, signature in meta_graph.signature_def.items():
            if name.startswith("__"):  # TensorFlow's own, that initialises
                continue
            # Defaults too: a dimension of unknown size is told by its name, but rank 0 by an empty list.
            found[name] = message_to_dict(signature)
            found[name].pop("defaults", None)
    return dict(sorted(found.items()))
