"""An ensemble: networks with the same structure in one model. Each has its own loss; their outputs are averaged.

Each member starts with different random weights and drops different features, so their errors differ.
Source: Lakshminarayanan, Pritzel and Blundell 2017, Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
from keras import layers

from tfx_sequences.components.kinds.registry import kind_named
from tfx_sequences.schemas.columns.internal_names import internal_name


@keras.saving.register_keras_serializable("tfx_sequences")
class EnsembleMember(keras.Model):
    """A functional model: one network of an ensemble."""


@keras.saving.register_keras_serializable("tfx_sequences")
class EnsembleAverage(layers.Layer):
    """The average of the members' outputs, as defined by the kind of the label.

    Args:
        kind: The label's `type`.
    """

    def __init__(self, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.supports_masking = True

    def call(self, inputs: Sequence[Any]) -> Any:
        """The average, a float32 tensor with the shape of the inputs."""
        return kind_named(self.kind).average(inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The members' mask, which is the same for all of them."""
        del inputs
        return mask[0] if isinstance(mask, list | tuple) else mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind}


def build_ensemble(
    build: Callable[[], tuple[dict[str, Any], Any]], size: int, kinds: Mapping[str, str]
) -> tuple[dict[str, Any], Any]:
    """The symbolic inputs and outputs of an ensemble.

    Args:
        build: Builds one network with new weights: returns its inputs by name, and its outputs.
        size: Number of members.
        kinds: The `type` of each head's label, by the head's name.

    Returns:
        Inputs by name, and outputs, in the form that `build` returns.
    """
    members = [EnsembleMember(*build(), name=f"member_{number}") for number in range(1, size + 1)]
    inputs = {
        name: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=internal_name(name))
        for name, tensor in members[0].input.items()
    }
    of_members = [member(inputs) for member in members]
    outputs = {
        head: EnsembleAverage(kind, name=f"{head}_average", dtype="float32")([of_head(head, x) for x in of_members])
        for head, kind in kinds.items()
    }
    return inputs, outputs if isinstance(of_members[0], dict) else outputs.popitem()[1]


def of_head(head: str, outputs: Any) -> Any:
    """The output of a head; a model with one head does not name its output."""
    return outputs[head] if isinstance(outputs, dict) else outputs


def members_of(model: keras.Model) -> list[keras.Model]:
    """The networks with a loss of their own: the members of an ensemble, or the model itself."""
    return [layer for layer in model.layers if isinstance(layer, EnsembleMember)] or [model]


def layers_by_path(model: keras.Model) -> Iterator[tuple[str, layers.Layer]]:
    """The layers of a network, or of all members of an ensemble; each name starts with the member's name.

    >>> inputs = keras.Input((2,), name="x")
    >>> [path for path, _ in layers_by_path(keras.Model(inputs, layers.Dense(1, name="value")(inputs)))]
    ['x', 'value']
    """
    for member in members_of(model):
        prefix = "" if member is model else f"{member.name}/"
        for layer in member.layers:
            yield prefix + layer.name, layer
