"""The heads of a spec: from the network's vectors to logits, or numbers in the label's own units."""

from __future__ import annotations

from typing import Any

from keras import layers

from tfx_sequences.components.network.forecast_head import forecast_output
from tfx_sequences.components.network.network import Network
from tfx_sequences.components.network.sampled_logits import SampledLogits
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def build_heads(spec: SequenceSpec, statistics: TaskStatistics, network: Network) -> Any:
    """The outputs of the heads.

    Args:
        spec: The spec.
        statistics: What the training split decides.
        network: Heads of steps stand on its `steps` `[B, T, D]`, heads of records on `pooled` `[B, D]`.

    Returns:
        For a spec with `label` its symbolic output, float32 logits `[B, C]` or numbers `[B, D]`, of
        steps `[B, T, C]` or `[B, T, D]`, forecasts `[B, horizon]`; for one with `labels` a dict of them by name.
    """
    outputs = {
        name: forecast_output(spec, name, label, network)
        if label.type == "forecast"
        else _output(
            label,
            statistics.heads[name],
            network.steps if label.per_step else network.pooled,
            spec.output_prefix(name),
        )
        for name, label in spec.heads.items()
    }
    return outputs if spec.label is None else outputs.popitem()[1]


def _output(label: Label, statistics: HeadStatistics, vectors: Any, prefix: str) -> Any:
    if label.has_classes:
        name, size = f"{prefix}logits", len(statistics.classes)
        if label.sampled_softmax is not None:
            return SampledLogits(size, name=name, dtype="float32")(vectors)
        return layers.Dense(size, name=name, dtype="float32")(vectors)
    value = layers.Dense(label.size, name=f"{prefix}value", dtype="float32")(vectors)
    # Learns in units of the label's spread, answers in the label's own.
    return layers.Rescaling([*statistics.std], [*statistics.mean], name=f"{prefix}in_label_units", dtype="float32")(
        value
    )
