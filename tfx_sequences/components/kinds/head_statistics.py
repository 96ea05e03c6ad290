"""What the training split decides of a head."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class HeadStatistics:
    """What the training split decides of one head.

    Attributes:
        classes: The classes as strings, in the order of the outputs; empty for regression.
        class_weights: Weight of each class in the loss; empty where all weigh 1.
        mean: Mean of each number of a regression label.
        std: Standard deviation of each.
        targets: Sum of the weights of its targets in one epoch of training; 0 where nobody has counted them.
    """

    classes: tuple[str, ...] = ()
    class_weights: tuple[float, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    targets: float = 0.0
