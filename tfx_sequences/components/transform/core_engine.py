"""The statistics of `tfx-sequences fit`: the preprocessing function is traced twice, around one pass over the records.

In the first trace `Questions` notes what is asked, and gives placeholders. After the pass, `Answers` gives the results
in the second trace, which becomes the transform graph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfx_sequences.components.transform.statistics_engine import Combiner

# As in TFT: such terms cannot be read from a file of lines.
_NO_LINE = r"^$|\C*[\n\r]\C*"


@dataclasses.dataclass(frozen=True)
class OfCombiner:
    """A question for a combiner's outputs."""

    name: str
    combiner: Combiner


@dataclasses.dataclass(frozen=True)
class OfTerms:
    """A question for the counts of terms, and the file of the answer."""

    file: str
    top_k: int | None = None
    frequency_threshold: int | None = None
    with_counts: bool = False


class Questions:
    """Notes the questions, see `StatisticsEngine`.

    Attributes:
        asked: The questions.
        inputs: By question what it is about: tensors of the traced graph.
        texts: What the graph is annotated with.
    """

    def __init__(self) -> None:
        self.asked: list[OfCombiner | OfTerms] = []
        self.inputs: list[list[tf.Tensor]] = []
        self.texts: dict[str, str] = {}

    def combined(self, inputs: Sequence[tf.Tensor], combiner: Combiner, name: str) -> list[tf.Tensor]:
        """Placeholders for the outputs."""
        self.asked.append(OfCombiner(name, combiner))
        self.inputs.append([tf.identity(tensor) for tensor in inputs])
        pairs = zip(combiner.output_dtypes, combiner.output_shapes, strict=True)
        return [tf.compat.v1.placeholder(dtype, shape) for dtype, shape in pairs]

    def vocabulary(
        self, terms: tf.Tensor, file: str, *, top_k: int | None = None, frequency_threshold: int | None = None
    ) -> Any:
        """Nothing: `look_up` gives a placeholder."""
        self._count(terms, OfTerms(file, top_k, frequency_threshold))

    def look_up(self, terms: tf.Tensor, vocabulary: Any, *, default: int, buckets: int) -> tf.Tensor:
        """A placeholder for the ids."""
        return tf.compat.v1.placeholder(tf.int64, terms.shape)

    def count(self, tokens: tf.Tensor, file: str) -> None:
        """Notes the question."""
        self._count(tokens, OfTerms(file, with_counts=True))

    def annotate(self, key: str, text: str) -> None:
        """Notes the text."""
        self.texts[key] = text

    def _count(self, terms: tf.Tensor, question: OfTerms) -> None:
        different, _, counts = tf.unique_with_counts(tf.reshape(terms, [-1]), tf.int64)
        fit = tf.logical_not(tf.strings.regex_full_match(different, _NO_LINE))
        self.asked.append(question)
        self.inputs.append([tf.boolean_mask(different, fit), tf.boolean_mask(counts, fit)])


class Answers:
    """Gives the answers, see `StatisticsEngine`.

    Args:
        outputs: Outputs of combiners by the name of the question: constants.
        files: The path of each vocabulary, by its name.
    """

    def __init__(self, outputs: Mapping[str, Sequence[tf.Tensor]], files: Mapping[str, str]) -> None:
        self._outputs = outputs
        self._files = files

    def combined(self, inputs: Sequence[tf.Tensor], combiner: Combiner, name: str) -> list[tf.Tensor]:
        """The outputs, as constants of the graph."""
        return list(self._outputs[name])

    def vocabulary(
        self, terms: tf.Tensor, file: str, *, top_k: int | None = None, frequency_threshold: int | None = None
    ) -> Any:
        """The path of the file, which becomes an asset of the graph."""
        return self._files[file]

    def look_up(self, terms: tf.Tensor, vocabulary: Any, *, default: int, buckets: int) -> tf.Tensor:
        """The ids, from the same kind of table as TFT's."""
        lines = tf.lookup.TextFileIndex
        with tf.init_scope():
            initializer = tf.lookup.TextFileInitializer(
                vocabulary, tf.string, lines.WHOLE_LINE, tf.int64, lines.LINE_NUMBER
            )
            table = (
                tf.lookup.StaticVocabularyTable(initializer, buckets, lookup_key_dtype=tf.string)
                if buckets
                else tf.lookup.StaticHashTable(initializer, default)
            )
        return table.lookup(terms)

    def count(self, tokens: tf.Tensor, file: str) -> None:
        """Nothing more: the counts are written."""

    def annotate(self, key: str, text: str) -> None:
        """Nothing more: the text is written."""
