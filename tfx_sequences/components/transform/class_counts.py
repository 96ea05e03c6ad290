"""How often each class is a target in the training split, counted exactly by Transform's own pass.

Needs TFT only to analyze.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx_sequences.schemas.columns.internal_names import file_name


def _file(name: str) -> str:
    return "class_counts_" + file_name(name)


def analyze_classes(tokens: Any, name: str) -> None:
    """Within a `preprocessing_fn`: counts strings `[N]`, one per class and target of the analyzed split.

    Args:
        tokens: The strings.
        name: The label's transformed name, by which `read_counts` finds them.
    """
    import tensorflow_transform as tft

    tft.vocabulary(tokens, vocab_filename=_file(name), store_frequency=True, name=_file(name))


def read_counts(tft_output: Any, name: str, tokens: tuple[str, ...]) -> np.ndarray:
    """What `analyze_classes` has counted, float64 `[classes]`.

    Args:
        tft_output: A `tft.TFTransformOutput`.
        name: The label's transformed name.
        tokens: The string of each class.
    """
    lines = (line.decode().split(" ", 1) for line in tft_output.vocabulary_by_name(_file(name)))
    counts = {token: int(count) for count, token in lines}
    return np.array([counts.get(token, 0) for token in tokens], np.float64)


def balanced_weights(counts: np.ndarray, targets: int, *, several: bool) -> np.ndarray:
    """The weight of each class, with which all classes weigh the same over the split.

    Of one class per target: `targets / (classes * count)`, as scikit-learn's `compute_class_weight`
    has it. Of several: `(targets - count) / count`, the weight of the class being there against its not
    being there. A class that is never a target weighs 1.

    Args:
        counts: Targets of each class `[C]`.
        targets: Targets in all.
        several: A target may have several classes.

    >>> balanced_weights(np.array([6.0, 2.0]), 8, several=False).tolist()
    [0.6666666666666666, 2.0]
    >>> balanced_weights(np.array([6.0, 2.0, 0.0]), 8, several=True).tolist()
    [0.3333333333333333, 3.0, 1.0]
    """
    there = np.maximum(counts, 1)
    weights = (targets - counts) / there if several else targets / (np.count_nonzero(counts) * there)
    return np.where(counts > 0, weights, 1.0)
