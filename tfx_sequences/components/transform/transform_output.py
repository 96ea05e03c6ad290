"""The folder of a transform graph, as training reads it: vocabularies, what the graph says of itself, and the graph.

TFT writes this layout in a pipeline, and `split_analysis.py` writes the same one. So neither TFT nor TFX is needed to
read it.
"""

from __future__ import annotations

import json
import os
from typing import Protocol

import tensorflow as tf

GRAPH_DIR = "transform_fn"
METADATA_DIR = "transformed_metadata"
ASSET_MAP = "asset_map"


class VocabularyReader(Protocol):
    """Reads vocabularies by the names of their files; TFT's `TFTransformOutput` does so too."""

    def vocabulary_by_name(self, vocab_filename: str) -> list[bytes]:
        """The lines of a vocabulary."""


class TransformOutput:
    """The output of Transform, of TFT or of `tfx-sequences fit`.

    Args:
        folder: The folder, which has the graph in `transform_fn`.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    @property
    def transform_savedmodel_dir(self) -> str:
        """The folder of the graph, a SavedModel."""
        return os.path.join(self.folder, GRAPH_DIR)

    def vocabulary_by_name(self, vocab_filename: str) -> list[bytes]:
        """The lines of a vocabulary: its terms in the order of their ids, or counts and terms."""
        path = os.path.join(self.transform_savedmodel_dir, tf.saved_model.ASSETS_DIRECTORY, vocab_filename)
        with tf.io.gfile.GFile(path, "rb") as file:
            # Terms can contain other characters that `splitlines` would take for line breaks.
            return [line.rstrip(b"\n") for line in file]

    def vocabulary_size_by_name(self, vocab_filename: str) -> int:
        """The number of terms of a vocabulary."""
        return len(self.vocabulary_by_name(vocab_filename))


def read_asset_map(folder: str) -> dict[str, str]:
    """The texts that the graph's engine was given to `annotate`, beside the names of vocabularies, by their keys.

    Args:
        folder: The folder of Transform's output.
    """
    path = os.path.join(folder, METADATA_DIR, ASSET_MAP)
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path) as file:
        found: dict[str, str] = json.loads(file.read())
    return found
