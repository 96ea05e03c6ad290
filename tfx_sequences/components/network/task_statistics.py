"""What the training split decides of the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class HeadStatistics:
    """What the training split decides of one head.

    Attributes:
        classes: The classes as strings, in the order of the outputs; empty for regression.
        class_weights: Weight of each class in the loss; empty where all weigh 1.
        mean: Mean of each number of a regression label.
        std: Standard deviation of each.
    """

    classes: tuple[str, ...] = ()
    class_weights: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True)
class TaskStatistics:
    """What the training split decides of the network.

    Attributes:
        num_ids: Number of ids of each column that has some, by transformed name.
        heads: By the head's name.
        terms: The terms of embedding tables with pretrained vectors, in id order, by table.
    """

    num_ids: Mapping[str, int]
    heads: Mapping[str, HeadStatistics] = dataclasses.field(default_factory=dict)
    terms: Mapping[str, Sequence[str] | None] = dataclasses.field(default_factory=dict)
