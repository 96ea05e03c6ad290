"""Naive answers for several classes: the frequency of each class, and the classes that are already present."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.kinds.score_buckets import BUCKETS
from tfx_sequences.components.naive.classes import Answers
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.schemas.spec.label import Label

# Number of 0/1 values in memory at a time.
_VALUES_AT_ONCE = 1 << 22
_NONE = ""


class ClassRates:
    """Weight of the targets with each class, by the previous state of the class: one state, or absent and present.

    Args:
        classes: Number of classes `C`.
        states: Number of states `S`, 1 or 2.

    Attributes:
        weight: Weight of all targets, float64 `[S, C]`.
        there: Weight of the targets that have the class, float64 `[S, C]`.
        targets: Number of counted targets.
    """

    def __init__(self, classes: int, states: int = 1) -> None:
        self.weight, self.there = np.zeros((2, states, classes))
        self.targets = 0

    def add(self, hot: np.ndarray, weights: np.ndarray, before: np.ndarray | None = None) -> None:
        """Counts targets.

        Args:
            hot: The classes of each target, bool `[N, C]`.
            weights: Weight of each target, `[N]`.
            before: The classes that were present before, bool `[N, C]`; for two states.
        """
        self.targets += len(hot)
        weights = weights.astype(np.float64)
        if before is None:
            self.weight += weights.sum()
            self.there += weights @ hot
            return
        of_before, of_both = weights @ before, weights @ (hot & before)
        self.weight += np.stack([weights.sum() - of_before, of_before])
        self.there += np.stack([weights @ hot - of_both, of_both])

    def probabilities(self, prior: np.ndarray | float = 0.5) -> np.ndarray:
        """Probability of each class, float64 `[S, C]`: counts two more targets, distributed as in the prior.

        Args:
            prior: Probabilities `[C]`; one half if nothing is known.
        """
        unit = self.weight.sum(axis=0).max(initial=0.0) / self.targets if self.targets else 1.0
        return (self.there / unit + 2 * prior) / (self.weight / unit + 2)

    def sums(self, probabilities: np.ndarray) -> np.ndarray:
        """The sums of the model's measures for these probabilities `[S, C]`: weight, loss, correct, score buckets."""
        absent = np.maximum(self.weight - self.there, 0)
        loss = -(self.there * np.log(probabilities) + absent * np.log1p(-probabilities)).sum()
        right = np.where(probabilities > 0.5, self.there, absent).sum() / self.there.shape[1]
        scores = probabilities.astype(np.float32) * np.float32(BUCKETS)
        bucket = np.minimum(scores.astype(np.int64), BUCKETS - 1).ravel()
        buckets = [np.bincount(bucket, side.ravel(), BUCKETS) for side in (absent, self.there)]
        return np.concatenate([[self.weight[:, 0].sum(), loss, right], *buckets])


class NaiveMultiLabel:
    """Counts one multi-label head, for records or steps.

    Args:
        label: The label.
        classes: Its classes, in the order of the outputs.
    """

    reads_training = True
    left_out: Sequence[str] = ()

    def __init__(self, label: Label, classes: Sequence[str]) -> None:
        self._label = label
        self._classes = len(classes)
        # Rates by previous state; the first entry ignores it.
        self._trained: dict[str, ClassRates] = {}
        self._measured: dict[str, ClassRates] = {}

    def fit(self, batch: HeadBatch) -> None:
        """Counts a batch of the training split."""
        self._count(batch, self._trained)

    def measure(self, batch: HeadBatch) -> None:
        """Counts a batch of the evaluated split."""
        self._count(batch, self._measured)

    def answers(self) -> Answers:
        """The metrics on the evaluated split."""
        found: Answers = {}
        nothing = ClassRates(self._classes)
        [prior] = self._trained.get(_NONE, nothing).probabilities()
        for before, measured in self._measured.items():
            if before == _NONE:
                self._add(found, "majority of each class", "class frequencies", measured.sums(prior[None]))
                continue
            probabilities = self._trained.get(before, ClassRates(self._classes, 2)).probabilities(prior)
            words = f"most frequent after the {before}", f"frequencies after the {before}"
            self._add(found, *words, measured.sums(probabilities))
            # Repeats the previous classes: this does not give probabilities, but accuracy is defined.
            repeated = np.repeat([[0.25], [0.75]], self._classes, axis=1)
            self._add(found, f"{before} repeated", None, measured.sums(repeated))
        return found

    def _add(self, found: Answers, predicting: str, frequencies: str | None, total: np.ndarray) -> None:
        measures = kind_of(self._label).measures(self._label, with_curve=True)
        for figure, value in measures.measured(total).items():
            name = predicting if figure == "accuracy" else frequencies
            if name is not None:
                found.setdefault(figure, {})[name] = value

    def _count(self, batch: HeadBatch, rates: dict[str, ClassRates]) -> None:
        there = batch.weights > 0
        weights, targets = batch.weights[there], batch.targets[there]
        before = {f"step's '{name}'": values[there] for name, values in batch.vectors.items()}
        if batch.previous is not None:
            before["previous label"] = batch.previous[there]
        alike = rates.setdefault(_NONE, ClassRates(self._classes))
        at_once = max(1, _VALUES_AT_ONCE // self._classes)
        for begin in range(0, len(weights), at_once):
            rows = slice(begin, begin + at_once)
            hot = self._hot(targets[rows])
            alike.add(hot, weights[rows])
            for name, values in before.items():
                by_state = rates.setdefault(name, ClassRates(self._classes, 2))
                by_state.add(hot, weights[rows], self._hot(values[rows]))

    def _hot(self, targets: np.ndarray) -> np.ndarray:
        """The present classes, bool `[N, C]`, from vectors of 0 and 1 or from class indices with -1 for no class."""
        if self._label.is_vector:
            return targets > 0
        # The last column stands for no class.
        hot = np.zeros((len(targets), self._classes + 1), bool)
        hot[np.arange(len(targets))[:, None], targets] = True
        return hot[:, :-1]
