"""The masked recurrent network of a spec, up to its heads, in Keras 3."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from tfx_sequences.components.embedding_tables import EmbeddingTables
from tfx_sequences.components.model_columns import model_columns
from tfx_sequences.components.pooling import MaskedPooling1D
from tfx_sequences.components.sequence_features import ContextFeatures, SequenceFeatures
from tfx_sequences.components.task_statistics import TaskStatistics
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns import CategoricalColumn, Column, NumericColumn
from tfx_sequences.schemas.spec import SequenceSpec
from tfx_sequences.schemas.transformed_features import SEQUENCE_LENGTH

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}


def build_network(
    spec: SequenceSpec, statistics: TaskStatistics, use_cudnn: bool | str = "auto"
) -> tuple[dict[str, Any], Any]:
    """Features -> masked recurrent layers -> pooling.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        use_cudnn: False keeps cuDNN kernels out, as an exported model must.

    Returns:
        The inputs, symbolic tensors as of `pad_features`; and the vector of each record, `[B, D]`.

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
    for index, units in enumerate(options.units):
        is_last = index == len(options.units) - 1
        steps = _recurrent(spec, units, index, not is_last or options.pooling != "last", use_cudnn)(steps)
    pooled = steps if options.pooling == "last" else MaskedPooling1D(options.pooling, name="pooling")(steps)
    context = [c for c in columns if not c.is_sequence]
    if context:
        vectors = ContextFeatures(context, tables=tables, name="context")(inputs)
        pooled = layers.Concatenate(name="with_context")([pooled, vectors])
    if options.dropout:
        pooled = layers.Dropout(options.dropout, name="head_dropout")(pooled)
    return inputs, pooled


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
