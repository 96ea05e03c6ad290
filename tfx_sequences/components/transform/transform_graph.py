"""The transform graph as a function of parsed features, for the exported model: TFT's graph or our own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

# In the SavedModel's folder for files that do not belong to the graph; its content is not read.
OWN_GRAPH = os.path.join("assets.extra", "tfx_sequences_transform")


class TransformGraph:
    """The function of a transform graph.

    Args:
        transform_savedmodel_dir: The graph, a SavedModel.
    """

    def __init__(self, transform_savedmodel_dir: str) -> None:
        if tf.io.gfile.exists(os.path.join(transform_savedmodel_dir, OWN_GRAPH)):
            self.imported = tf.saved_model.load(transform_savedmodel_dir)
            self._apply = self._apply_own
            return
        from tensorflow_transform.saved import saved_transform_io_v2

        loader = saved_transform_io_v2.SavedModelLoader(transform_savedmodel_dir)
        # What an exported model must track, because it has the vocabularies.
        self.imported = loader._imported
        self._apply = loader.apply_transform_model

    def __call__(self, parsed: Mapping[str, Any]) -> dict[str, Any]:
        """The transformed features of parsed ones, with labels if they are among them.

        Args:
            parsed: Features by raw name, from `parse_records`.
        """
        return dict(self._apply(parsed))

    def _apply_own(self, parsed: Mapping[str, Any]) -> Any:
        for function in (self.imported.transform_labelled, self.imported.transform_served):
            [given], _ = function.structured_input_signature
            if given.keys() <= parsed.keys():
                return function({name: parsed[name] for name in given})
        raise ValueError(f"the transform graph needs more features than {sorted(parsed)}")
