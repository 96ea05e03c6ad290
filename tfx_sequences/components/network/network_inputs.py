"""The ends of a network: the inputs prepared for it, and the tensors passed to the heads."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from tfx_sequences.components.features.embedding_tables import EmbeddingTables
from tfx_sequences.components.features.feature_lengths import length_mask
from tfx_sequences.components.features.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.kinds.normalized_series import normalized_targets
from tfx_sequences.components.network.image_front import ImageVectors
from tfx_sequences.components.network.model_columns import model_columns
from tfx_sequences.components.network.padding_side import PaddingToRight
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.components.numbers.chosen import normalizers_of
from tfx_sequences.schemas.columns.column import CategoricalColumn, Column, ImageColumn, NumericColumn
from tfx_sequences.schemas.columns.column_base import FurtherFeature
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.columns.names import SEQUENCE_LENGTH, SEQUENCE_PREFIX, weights_name
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.features.transformed_features import future_name
from tfx_sequences.schemas.spec.forecasts import horizon_of, known_future
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


@dataclasses.dataclass(frozen=True)
class Network:
    """The tensors that heads use: symbolic Keras tensors.

    Attributes:
        inputs: The model's inputs by name, as in `pad_features`.
        lengths: int64 `[B]`, the real steps of each record; padding is on the right.
        steps: `[B, T, D]`, a vector for each step, for heads of steps; values at padded steps are
            arbitrary. None if no head needs it.
        pooled: `[B, D]`, a vector for each record, for heads of records. None if no
            head needs it.
    """

    inputs: dict[str, Any]
    lengths: Any
    steps: Any = None
    pooled: Any = None


@dataclasses.dataclass(frozen=True)
class NetworkInputs:
    """The tensors that a network starts from: symbolic Keras tensors.

    Attributes:
        tensors: The model's inputs by name, as in `pad_features`.
        lengths: int64 `[B]`, the real steps of each record; padding is on the right.
        mask: bool `[B, T]`, True for real steps; for pooling. Do not give it to recurrent layers with cuDNN's kernels:
            these reject a record without steps.
        steps: `[B, T, D]`, the sequence columns concatenated, with embeddings looked up and forecast targets
            normalized series by series. Padded steps are zero. For a builder, the Keras mask that comes with them is
            safe for cuDNN: see `mask_policy` of `SequenceFeatures`.
        context: `[B, C]`, the context columns concatenated. None without context columns, or if
            `model.context` is `per_step`: then `steps` contain them.
        step_widths: The width of each column in `steps`, in order; their sum is `D`.
        context_widths: The width of each column in `context`, in order; their sum is `C`.
    """

    tensors: dict[str, Any]
    lengths: Any
    mask: Any
    steps: Any
    context: Any = None
    step_widths: tuple[int, ...] = ()
    context_widths: tuple[int, ...] = ()

    def network(self, *, steps: Any = None, pooled: Any = None) -> Network:
        """The network with these inputs and outputs, for a `model.builder` to return."""
        return Network(self.tensors, self.lengths, steps, pooled)


def network_inputs(spec: SequenceSpec, statistics: TaskStatistics) -> NetworkInputs:
    """The inputs for the spec's columns, and the features built from them."""
    spec = network_spec(spec, normalizers_of(statistics.normalizers))
    columns = model_columns(spec, statistics.num_ids)
    tensors = {column.key: _input(column) for column in columns}
    tensors |= {weights.key: _weights_input(weights) for column in columns for weights in column.further_features}
    images = {name: column for name, column in spec.columns.items() if isinstance(column, ImageColumn)}
    tensors |= {name: _image_input(name, column) for name, column in images.items()}
    lengths = tensors[SEQUENCE_LENGTH] = keras.Input((), name=SEQUENCE_LENGTH, dtype="int64")
    for name in known_future(spec):
        shape = (horizon_of(spec), *getattr(spec.sequence[name], "shape", ()))
        tensors[future_name(name)] = keras.Input(shape, name=internal_name(future_name(name)), dtype="float32")
    tables = EmbeddingTables(columns, terms=statistics.terms)
    of_steps = [c for c in columns if c.is_sequence]
    of_context = [c for c in columns if not c.is_sequence]
    is_per_step = spec.model.context == "per_step"
    features = SequenceFeatures(
        of_steps,
        context_columns=of_context if is_per_step else (),
        tables=tables,
        # The spec's own recurrent layers are given their mask; a builder's take the one that comes with the steps.
        mask_policy="cudnn" if spec.model.builder else "real_steps",
        name="sequence_features",
    )
    seen = tensors | _moved_to_right(tensors, spec) | normalized_targets(spec, tensors)
    for name, image in images.items():
        front = ImageVectors(image.filters, image.dimension, name=f"{internal_name(name)}_vectors")
        seen[name] = front(seen[name])
    steps, _ = features(seen)
    mask = length_mask(lengths, steps)
    if is_per_step or not of_context:
        return NetworkInputs(tensors, lengths, mask, steps, step_widths=features.widths)
    context = ContextFeatures(of_context, tables=tables, name="context")
    return NetworkInputs(tensors, lengths, mask, steps, context(seen), features.widths, context.widths)


def _moved_to_right(tensors: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """The features whose padding `batching.padding` puts on the left, with the padding moved to the right."""
    names = [SEQUENCE_PREFIX + key for key, padding in spec.batching.padding.items() if padding.side == "left"]
    names += [weights_name(name) for name in names if weights_name(name) in tensors]
    lengths = tensors[SEQUENCE_LENGTH]
    return {name: PaddingToRight(name=f"{internal_name(name)}_to_right")([tensors[name], lengths]) for name in names}


def _input(column: Column) -> Any:
    """Numbers `[B, *shape]`, ids `[B]`, or several ids `[B, V]`; for steps with `T` after `B`."""
    if isinstance(column, NumericColumn):
        shape: tuple[int | None, ...] = column.shape
    else:
        shape = (None,) if isinstance(column, CategoricalColumn) and column.multi_valued else ()
    dtype = "float32" if isinstance(column, NumericColumn) else "int64"
    return keras.Input((None, *shape) if column.is_sequence else shape, name=internal_name(column.key), dtype=dtype)


def _image_input(name: str, column: ImageColumn) -> Any:
    """`[B, H, W, C]`; for steps with `T` after `B`."""
    shape = (None, *column.shape) if column.is_sequence else column.shape
    return keras.Input(shape, name=internal_name(name), dtype="float32")


def _weights_input(weights: FurtherFeature) -> Any:
    """Weights of several ids, `[B, V]`; with `T` after `B` for steps."""
    return keras.Input(
        (None, None) if weights.is_sequence else (None,), name=internal_name(weights.key), dtype="float32"
    )
