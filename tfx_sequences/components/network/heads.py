"""The heads of a spec: they turn the network's vectors into logits, or numbers in the label's own units."""

from __future__ import annotations

from typing import Any

from tfx_sequences.components.kinds.label_kind import HeadInputs
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.network.network import Network
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def build_heads(spec: SequenceSpec, statistics: TaskStatistics, network: Network) -> Any:
    """The outputs of the heads.

    Args:
        spec: The spec.
        statistics: Statistics of the training split.
        network: The network; heads of steps use its `steps` `[B, T, D]`, heads of records its `pooled` `[B, D]`.

    Returns:
        For a spec with `label` its symbolic output: float32 logits `[B, C]` or numbers `[B, D]`; for
        steps `[B, T, C]` or `[B, T, D]`; forecasts `[B, horizon]`. For a spec with `labels` a dict of these by name.
    """
    outputs = {}
    for name, label in spec.heads.items():
        vectors = network.steps if label.per_step else network.pooled
        head = HeadInputs(spec, name, label, statistics.heads[name], network.inputs, vectors)
        outputs[name] = kind_of(label).output(head)
    return outputs if spec.label is None else outputs.popitem()[1]
