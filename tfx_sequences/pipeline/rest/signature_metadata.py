"""The signatures of a SavedModel as JSON, as TensorFlow Serving's metadata has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx_sequences.compat import message_to_dict


def signature_metadata(folder: str | Path) -> dict[str, Any]:
    """By signature its inputs and outputs with dtype and shape, and its method.

    Args:
        folder: Of the SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((Path(folder) / "saved_model.pb").read_bytes())
    found = {}
    for meta_graph in saved.meta_graphs:
        for name, signature in meta_graph.signature_def.items():
            if name.startswith("__"):  # TensorFlow's own, that initialises
                continue
            # Defaults too: a dimension of unknown size is told by its name, but rank 0 by an empty list.
            found[name] = message_to_dict(signature)
            found[name].pop("defaults", None)
    return dict(sorted(found.items()))
