"""Statistics of the training split for a head."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class HeadStatistics:
    """Statistics of the training split for one head.

    Attributes:
        classes: The classes as strings, in the order of the outputs; empty for regression.
        class_weights: Weight of each class in the loss; empty if all weights are 1.
        mean: Mean of each number of a regression label.
        std: Standard deviation of each number.
        targets: Sum of the weights of its targets in one training epoch; 0 if it was not computed.
    """

    classes: tuple[str, ...] = ()
    class_weights: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    targets: float = 0.0
