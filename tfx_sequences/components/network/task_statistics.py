"""Statistics of the training split that shape the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from tfx_sequences.components.kinds.head_statistics import HeadStatistics
from tfx_sequences.components.numbers.chosen import Choices

__all__ = ["HeadStatistics", "TaskStatistics"]


@dataclasses.dataclass(frozen=True)
class TaskStatistics:
    """Statistics of the training split that shape the network.

    Attributes:
        num_ids: Number of ids of each id column, by transformed name.
        heads: Statistics by head.
        terms: The terms of embedding tables with pretrained vectors, in id order, by table.
        normalizers: The choices for columns whose normalizer is `auto`, see `read_choices`.
    """

    num_ids: Mapping[str, int]
    heads: Mapping[str, HeadStatistics] = dataclasses.field(default_factory=dict)
    terms: Mapping[str, Sequence[str] | None] = dataclasses.field(default_factory=dict)
    normalizers: Choices = dataclasses.field(default_factory=dict)
