"""The masked recurrent network of a spec, up to its heads, in Keras 3."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers

from tfx_sequences.components.embedding_tables import EmbeddingTables
from tfx_sequences.components.model_columns import model_columns
from tfx_sequences.components.pooling import LastStep, MaskedPooling1D
from tfx_sequences.components.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.step_context import WithContext
from tfx_sequences.components.task_statistics import TaskStatistics
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns import CategoricalColumn, Column, NumericColumn
from tfx_sequences.schemas.model_options import Model
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}


@dataclasses.dataclass(frozen=True)
class Network:
    """What heads stand on: symbolic Keras tensors.

    Attributes:
        inputs: The model's inputs by name, as of `pad_features`.
        lengths: int64 `[B]`, the real steps of each record; padding is on the right.
        steps: `[B, T, D]`, a vector of each step, for heads of steps; what padded steps
            hold means nothing. None where no head needs it.
        pooled: `[B, D]`, a vector of each record, for heads of records. None where no
            head needs it.
    """

    inputs: dict[str, Any]
    lengths: Any
    steps: Any = None
    pooled: Any = None


def build_network(
    spec: SequenceSpec,
    statistics: TaskStatistics,
    use_cudnn: bool | str = "auto",
    *,
    needs_steps: bool = False,
    needs_pooled: bool = True,
) -> Network:
    """Features -> masked recurrent layers -> pooling.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        use_cudnn: False keeps cuDNN kernels out, as an exported model must.
        needs_steps: Whether a head stands on the steps.
        needs_pooled: Whether a head stands on the pooled vector.

    Returns:
        The inputs, and the tensors that the heads need.

    Raises:
        SpecError: `batching.padding` puts padding on the left.
    """
    _refuse_left_padding(spec)
    columns = model_columns(spec, statistics.num_ids)
    inputs = {column.key: _input(column) for column in columns}
    inputs[SEQUENCE_LENGTH] = keras.Input((), name=SEQUENCE_LENGTH, dtype="int64")
    tables = EmbeddingTables(columns, terms=statistics.terms)
    of_steps = [c for c in columns if c.is_sequence]
    steps, _ = SequenceFeatures(of_steps, tables=tables, name="sequence_features")(inputs)
    options = spec.model
    if options.dropout:
        steps = layers.SpatialDropout1D(options.dropout, name="input_dropout")(steps)
    is_last_only = needs_pooled and not needs_steps and options.pooling == "last"
    for index, units in enumerate(options.units):
        is_top = index == len(options.units) - 1
        steps = _recurrent(spec, units, index, not (is_top and is_last_only), use_cudnn)(steps)
    pooled = None
    if needs_pooled:
        pooled = steps if is_last_only else _pooling(options)(steps)
    context = [c for c in columns if not c.is_sequence]
    if context:
        vectors = ContextFeatures(context, tables=tables, name="context")(inputs)
        if needs_pooled:
            pooled = layers.Concatenate(name="with_context")([pooled, vectors])
        if needs_steps:
            steps = WithContext(name="steps_with_context")([steps, vectors])
    if options.dropout:
        if needs_pooled:
            pooled = layers.Dropout(options.dropout, name="head_dropout")(pooled)
        if needs_steps:
            steps = layers.Dropout(options.dropout, name="steps_dropout")(steps)
    return Network(inputs, inputs[SEQUENCE_LENGTH], steps if needs_steps else None, pooled)


def _pooling(options: Model) -> layers.Layer:
    if options.pooling == "last":
        return LastStep(options.bidirectional, name="pooling")
    return MaskedPooling1D(options.pooling, name="pooling")


def _refuse_left_padding(spec: SequenceSpec) -> None:
    for name, padding in spec.batching.padding.items():
        if padding.side == "left":
            raise SpecError(
                f"batching.padding puts the padding of '{name}' on the left.",
                expected="padding on the right: the network's mask counts real steps from the first",
                received="side: left",
                fix="Leave side out, or read the batches with SequenceInput for a network of your own.",
            )


def _input(column: Column) -> Any:
    """`[B, *shape]` of numbers, ids `[B]` or several `[B, V]`; with `T` behind `B` for steps."""
    if isinstance(column, NumericColumn):
        shape: tuple[int | None, ...] = column.shape
    else:
        shape = (None,) if isinstance(column, CategoricalColumn) and column.multi_valued else ()
    dtype = "float32" if isinstance(column, NumericColumn) else "int64"
    return keras.Input((None, *shape) if column.is_sequence else shape, name=column.key, dtype=dtype)


def _recurrent(spec: SequenceSpec, units: int, index: int, sequences: bool, use_cudnn: bool | str) -> layers.Layer:
    cell = spec.model.cell
    kernel = {} if cell == "simple_rnn" else {"use_cudnn": use_cudnn}
    layer = _CELLS[cell](units, return_sequences=sequences, name=f"{cell}_{index}", **kernel)
    return layers.Bidirectional(layer, name=f"bidirectional_{index}") if spec.model.bidirectional else layer
