"""The masked recurrent network of a spec, in Keras 3."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from tfx_sequences.components.sequence_features import (
    SEQUENCE_LENGTH,
    ContextFeatures,
    SequenceFeatures,
    model_columns,
)
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns import NumericColumn
from tfx_sequences.schemas.spec import SequenceSpec

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}


@dataclasses.dataclass(frozen=True)
class TaskStatistics:
    """What the training split decides of the network.

    Attributes:
        num_ids: Number of ids of each categorical column, by transformed name.
        classes: The classes as strings, in the order of the outputs; empty for regression.
        label_mean: Mean of a regression label.
        label_std: Standard deviation of a regression label.
    """

    num_ids: Mapping[str, int]
    classes: tuple[str, ...] = ()
    label_mean: float = 0.0
    label_std: float = 1.0


@keras.saving.register_keras_serializable("tfx_sequences")
class MaskedPooling1D(layers.Layer):
    """Mean or maximum over the real steps: `[B, T, D]` with a mask `[B, T]` to `[B, D]`.

    A row without real steps gives zeros (Keras' own pooling gives NaN there).

    >>> import numpy as np
    >>> x = np.array([[[1.0], [3.0], [9.0]], [[5.0], [5.0], [5.0]]])
    >>> mask = np.array([[True, True, False], [False, False, False]])
    >>> print(MaskedPooling1D("mean")(x, mask=mask).numpy(), MaskedPooling1D("max")(x, mask=mask).numpy())
    [[2.]
     [0.]] [[3.]
     [0.]]
    """

    def __init__(self, how: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.how = how
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            mask = ops.ones_like(inputs[:, :, 0], dtype="bool")
        real = ops.cast(mask, inputs.dtype)[:, :, None]
        if self.how == "mean":
            return ops.sum(inputs * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1)
        lowest = ops.cast(-1e4 if inputs.dtype == "float16" else -1e9, inputs.dtype)
        highest = ops.max(ops.where(mask[:, :, None], inputs, lowest), axis=1)
        return ops.where(ops.any(mask, axis=1)[:, None], highest, ops.zeros_like(highest))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "how": self.how}


def build_model(spec: SequenceSpec, statistics: TaskStatistics, *, use_cudnn: bool | str = "auto") -> keras.Model:
    """Builds the network: features -> masked recurrent layers -> pooling -> head.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        use_cudnn: False keeps cuDNN kernels out, as an exported model must.

    Returns:
        A functional model. Inputs as of `pad_features`; output float32 logits
        `[B, classes]`, or the predicted value `[B, 1]` for regression.

    Raises:
        SpecError: `batching.padding` puts padding on the left.
    """
    _refuse_left_padding(spec)
    columns = model_columns(spec, statistics.num_ids)
    inputs = {column.key: _input(column) for column in columns}
    inputs[SEQUENCE_LENGTH] = keras.Input((), name=SEQUENCE_LENGTH, dtype="int64")
    steps, _ = SequenceFeatures([c for c in columns if c.is_sequence], name="sequence_features")(inputs)
    options = spec.model
    if options.dropout:
        steps = layers.SpatialDropout1D(options.dropout, name="input_dropout")(steps)
    for index, units in enumerate(options.units):
        is_last = index == len(options.units) - 1
        steps = _recurrent(spec, units, index, not is_last or options.pooling != "last", use_cudnn)(steps)
    pooled = steps if options.pooling == "last" else MaskedPooling1D(options.pooling, name="pooling")(steps)
    context = [c for c in columns if not c.is_sequence]
    if context:
        pooled = layers.Concatenate(name="with_context")([pooled, ContextFeatures(context, name="context")(inputs)])
    if options.dropout:
        pooled = layers.Dropout(options.dropout, name="head_dropout")(pooled)
    if spec.label.type == "classification":
        output = layers.Dense(len(statistics.classes), name="logits", dtype="float32")(pooled)
    else:
        value = layers.Dense(1, name="value", dtype="float32")(pooled)
        # Learns in units of the label's spread, answers in the label's own.
        output = layers.Rescaling(statistics.label_std, statistics.label_mean, name="in_label_units")(value)
    return keras.Model(inputs, output, name=spec.name.replace("-", "_"))


def compile_model(model: keras.Model, spec: SequenceSpec) -> None:
    """Compiles with Adam, the label's loss, and metrics that example weights weigh too."""
    training = spec.training
    optimizer = keras.optimizers.Adam(training.learning_rate, global_clipnorm=training.gradient_clip_norm)
    if spec.label.type == "classification":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        metrics = [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    else:
        loss = keras.losses.MeanSquaredError()
        metrics = [keras.metrics.MeanAbsoluteError(name="mean_absolute_error")]
    model.compile(optimizer=optimizer, loss=loss, weighted_metrics=metrics)


def _refuse_left_padding(spec: SequenceSpec) -> None:
    for name, padding in spec.batching.padding.items():
        if padding.side == "left":
            raise SpecError(
                f"batching.padding puts the padding of '{name}' on the left.",
                expected="padding on the right: the network's mask counts real steps from the first",
                received="side: left",
                fix="Leave side out, or read the batches with SequenceInput for a network of your own.",
            )


def _input(column: Any) -> Any:
    shape = column.shape if isinstance(column, NumericColumn) else ()
    dtype = "float32" if isinstance(column, NumericColumn) else "int64"
    return keras.Input((None, *shape) if column.is_sequence else shape, name=column.key, dtype=dtype)


def _recurrent(spec: SequenceSpec, units: int, index: int, sequences: bool, use_cudnn: bool | str) -> layers.Layer:
    cell = spec.model.cell
    kernel = {} if cell == "simple_rnn" else {"use_cudnn": use_cudnn}
    layer = _CELLS[cell](units, return_sequences=sequences, name=f"{cell}_{index}", **kernel)
    return layers.Bidirectional(layer, name=f"bidirectional_{index}") if spec.model.bidirectional else layer
