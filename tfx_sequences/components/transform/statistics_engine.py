"""What the preprocessing function asks about the training split, whoever answers.

The preprocessing function is traced as a graph. It calls the engine where it needs a statistic, and gets a tensor that
stands for the answer. TFT's analyzers answer in a pipeline (`tft_engine.py`), one pass over the records without TFX in
`tfx-sequences fit` (`split_analysis.py`). No statistic depends on another one, so one pass is enough for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf


class Combiner(Protocol):
    """A statistic that can be computed in parts, with the methods of Beam's `CombineFn`."""

    def create_accumulator(self) -> Any:
        """The state before the first batch."""

    def add_input(self, accumulator: Any, batch: Sequence[np.ndarray]) -> Any:
        """The state after one more batch of the inputs."""

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """The state after all batches of several states, in their order."""

    def extract_output(self, accumulator: Any) -> list[Any]:
        """The outputs, one array for each of `output_dtypes`."""

    @property
    def output_dtypes(self) -> Sequence[tf.DType]:
        """The dtype of each output."""

    @property
    def output_shapes(self) -> Sequence[Sequence[int | None]]:
        """The shape of each output."""


class StatisticsEngine(Protocol):
    """Answers questions about the training split, in a graph that is being traced."""

    def combined(self, inputs: Sequence[tf.Tensor], combiner: Combiner, name: str) -> list[tf.Tensor]:
        """The outputs of a combiner over all batches of the inputs.

        Args:
            inputs: Tensors of one batch.
            combiner: The statistic.
            name: The name of the question, which occurs once.
        """

    def vocabulary(
        self, terms: tf.Tensor, file: str, *, top_k: int | None = None, frequency_threshold: int | None = None
    ) -> Any:
        """The vocabulary of strings `[N]`, for `look_up`: by descending count, equal counts by descending bytes.

        Empty terms and terms with line breaks do not belong to it.

        Args:
            terms: The strings of one batch.
            file: The name of the vocabulary's file.
            top_k: Maximum number of terms.
            frequency_threshold: Minimum count of a term.
        """

    def look_up(self, terms: tf.Tensor, vocabulary: Any, *, default: int, buckets: int) -> tf.Tensor:
        """The places of strings `[N]` in a vocabulary, int64 `[N]`.

        Args:
            terms: The strings.
            vocabulary: From `vocabulary`.
            default: The id of other strings, without `buckets`.
            buckets: Number of ids after those of the vocabulary for the hashes of other strings.
        """

    def count(self, tokens: tf.Tensor, file: str) -> None:
        """Writes how often each of the strings `[N]` occurs: lines `COUNT STRING`, in the order of `vocabulary`."""

    def annotate(self, key: str, text: str) -> None:
        """Stores a text, without slashes, beside the graph."""
