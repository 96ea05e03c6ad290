"""What the training split decides of the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class TaskStatistics:
    """What the training split decides of the network.

    Attributes:
        num_ids: Number of ids of each column that has some, by transformed name.
        classes: The classes as strings, in the order of the outputs; empty for regression.
        label_mean: Mean of a regression label.
        label_std: Standard deviation of a regression label.
        terms: The terms of embedding tables with pretrained vectors, in id order, by table.
    """

    num_ids: Mapping[str, int]
    classes: tuple[str, ...] = ()
    label_mean: float = 0.0
    label_std: float = 1.0
    terms: Mapping[str, Sequence[str] | None] = dataclasses.field(default_factory=dict)
