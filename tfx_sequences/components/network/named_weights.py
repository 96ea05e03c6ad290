"""A model's weights by name, stored next to the exported model, so that later trainings can start from them.

An exported model numbers its variables. Their names, and the terms and classes of their rows, are written to
`assets.extra/tfx_sequences_weights.npz`, in a folder that TensorFlow Serving ignores.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tfx_sequences.components.kinds.sampled_logits import SampledLogits
from tfx_sequences.components.network.ensemble import layers_by_path, members_of

WEIGHTS = os.path.join("assets.extra", "tfx_sequences_weights.npz")
_AXES = "axes"


@dataclasses.dataclass(frozen=True)
class NamedAxis:
    """The names of the elements along one axis of a weight.

    Attributes:
        axis: Index of the axis.
        names: The names; there may be more elements than names (ids of out-of-vocabulary terms).
    """

    axis: int
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class NamedWeights:
    """Weights by name.

    Attributes:
        arrays: Arrays by name: `tables/NAME` for embedding tables, `LAYER/NUMBER/NAME` for others; in an ensemble
            with the name of the member as prefix.
        axes: The axes whose elements have names, by weight.
    """

    arrays: dict[str, np.ndarray]
    axes: dict[str, NamedAxis]


def weights_by_name(model: keras.Model) -> dict[str, Any]:
    """The weight variables of a model of `build_model`, each once."""
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for path, layer in layers_by_path(model):
        member = path.removesuffix(layer.name)
        tables: Any = getattr(layer, "tables", None)
        for table in tables.names if tables else ():
            variable = tables.weights_of(table)
            if id(variable) not in seen:
                seen.add(id(variable))
                found[f"{member}tables/{table}"] = variable
        own = [variable for variable in layer.weights if id(variable) not in seen]
        for index, variable in enumerate(own):
            seen.add(id(variable))
            found[f"{path}/{index}/{variable.name}"] = variable
    return found


def named_axes(
    model: keras.Model, terms: Mapping[str, Sequence[str]], classes: Mapping[str, Sequence[str]]
) -> dict[str, NamedAxis]:
    """The axes whose elements have names.

    Args:
        model: The network, from `build_model`.
        terms: Terms by embedding table, in the order of their ids.
        classes: Classes by the layer that has one output per class, in the order of the outputs.
    """
    members = {"" if member is model else f"{member.name}/" for member in members_of(model)}
    axes = {
        f"{member}tables/{table}": NamedAxis(0, tuple(names)) for member in members for table, names in terms.items()
    }
    by_path = dict(layers_by_path(model))
    for name, variable in weights_by_name(model).items():
        layer = by_path.get(name.rsplit("/", 2)[0])
        names = tuple(classes.get(layer.name, ())) if layer else ()
        if names:
            # A dense layer has a column per class, `SampledLogits` a row.
            last = 0 if isinstance(layer, SampledLogits) else len(variable.shape) - 1
            axes[name] = NamedAxis(last, names)
    return axes


def write_weights(directory: str, model: keras.Model, axes: Mapping[str, NamedAxis]) -> None:
    """Writes the weights into the folder of the exported model."""
    arrays = {name: ops.convert_to_numpy(variable) for name, variable in weights_by_name(model).items()}
    text = json.dumps({name: [axis.axis, axis.names] for name, axis in axes.items()})
    buffer = io.BytesIO()
    np.savez(buffer, **{_AXES: np.frombuffer(text.encode(), np.uint8), **arrays})
    path = os.path.join(directory, WEIGHTS)
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(buffer.getvalue())


def read_weights(directory: str) -> NamedWeights | None:
    """The weights that `write_weights` wrote; None if the file is missing."""
    path = os.path.join(directory, WEIGHTS)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file, np.load(io.BytesIO(file.read())) as stored:
        arrays = {name: stored[name] for name in stored.files}
    axes = json.loads(arrays.pop(_AXES).tobytes())
    return NamedWeights(arrays, {name: NamedAxis(axis, tuple(names)) for name, (axis, names) in axes.items()})
