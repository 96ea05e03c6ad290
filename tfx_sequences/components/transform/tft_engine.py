"""The statistics of a pipeline: TFT's analyzers, in Beam."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tfx_sequences.components.transform.statistics_engine import Combiner


class TftEngine:
    """Asks TFT in a `preprocessing_fn`; see `StatisticsEngine`."""

    def combined(self, inputs: Sequence[tf.Tensor], combiner: Combiner, name: str) -> list[tf.Tensor]:
        """One analyzer, which is one stage in Beam."""
        return list(
            tft.experimental.ptransform_analyzer(
                inputs=[*inputs],
                ptransform=_Analyze(combiner),
                output_dtypes=combiner.output_dtypes,
                output_shapes=combiner.output_shapes,
                name=name,
            )
        )

    def vocabulary(
        self, terms: tf.Tensor, file: str, *, top_k: int | None = None, frequency_threshold: int | None = None
    ) -> Any:
        """The path of the vocabulary's file, when it is known."""
        return tft.vocabulary(terms, top_k=top_k, frequency_threshold=frequency_threshold, vocab_filename=file)

    def look_up(self, terms: tf.Tensor, vocabulary: Any, *, default: int, buckets: int) -> tf.Tensor:
        """TFT's lookup, which also records the range of the ids in the schema."""
        return tft.apply_vocabulary(terms, vocabulary, default_value=default, num_oov_buckets=buckets)

    def count(self, tokens: tf.Tensor, file: str) -> None:
        """A vocabulary with frequencies."""
        tft.vocabulary(tokens, vocab_filename=file, store_frequency=True, name=file)

    def annotate(self, key: str, text: str) -> None:
        """TFT stores it in `asset_map`: it takes the text for the name of a file."""
        tft.annotate_asset(key, text)


class _Analyze(beam.PTransform):
    def __init__(self, combiner: Combiner) -> None:
        super().__init__()
        self._combiner = combiner

    def expand(self, batches: Any) -> tuple[Any, ...]:
        found = batches | "Combine" >> beam.CombineGlobally(_Combine(self._combiner))
        outputs = len(self._combiner.output_dtypes)
        return tuple(found | f"Output{number}" >> beam.Map(operator.itemgetter(number)) for number in range(outputs))


class _Combine(beam.CombineFn):
    def __init__(self, combiner: Combiner) -> None:
        super().__init__()
        self._combiner = combiner

    def create_accumulator(self) -> Any:
        return self._combiner.create_accumulator()

    def add_input(self, accumulator: Any, batch: Sequence[np.ndarray]) -> Any:
        return self._combiner.add_input(accumulator, batch)

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        return self._combiner.merge_accumulators(accumulators)

    def extract_output(self, accumulator: Any) -> list[Any]:
        return self._combiner.extract_output(accumulator)
