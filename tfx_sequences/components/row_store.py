"""Parsed records in memory, of which batches are gathered.

Records are parsed by the thousand, once; what then travels through the datasets is their
numbers. A store holds the values under these numbers, as the plain tensors that ragged
features consist of: handing it on copies nothing.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.record_formats import Features, RecordFormat

Components = tuple[tf.Tensor, ...]


class RowParser:
    """Serialized records to the components of their features, by one graph for all files.

    Args:
        form: The kind of records.

    Attributes:
        spec: Type specs of the features, by name.
        component_specs: Those of their components.
        is_splits: Which components are row splits of a ragged feature.
    """

    def __init__(self, form: RecordFormat) -> None:
        self._parse = tf.function(form.parse, input_signature=[tf.TensorSpec([None], tf.string)])
        outputs = self._parse.get_concrete_function().structured_outputs
        self.spec: dict[str, Any] = {
            name: value if isinstance(value, tf.TypeSpec) else tf.type_spec_from_value(value)
            for name, value in outputs.items()
        }
        # Flattening sorts names.
        self.spec = dict(sorted(self.spec.items()))
        self.component_specs: list[tf.TensorSpec] = tf.nest.flatten(self.spec, expand_composites=True)
        self.is_splits = [part for spec in self.spec.values() for part in _parts(spec)]
        signature = [tf.TensorSpec([None], tf.int64), self.component_specs, tf.TensorSpec([None], tf.int64)]
        self.gathered = tf.function(self._gathered, input_signature=signature)

    def __call__(self, serialized: tf.Tensor) -> Components:
        """Records `[N]`, at least one, to components."""
        return tuple(tf.nest.flatten(self._parse(serialized), expand_composites=True))

    def features(self, components: Sequence[tf.Tensor]) -> Features:
        """The features, as the format's `parse` gives them, that the components are those of."""
        shaped = [tf.ensure_shape(c, s.shape) for c, s in zip(components, self.component_specs, strict=True)]
        return tf.nest.pack_sequence_as(self.spec, shaped, expand_composites=True)

    def component(self, components: Sequence[tf.Tensor], name: str) -> tf.Tensor:
        """The feature of that name, which is no ragged one."""
        position = 0
        for other, spec in self.spec.items():
            if other == name:
                return components[position]
            position += len(tf.nest.flatten(spec, expand_composites=True))
        raise KeyError(name)

    def gather(self, numbers: tf.Tensor, components: Sequence[tf.Tensor], wanted: tf.Tensor) -> Features:
        """Features of the records of the numbers `wanted` `[B]`, from a store of `numbers` `[N]`, rising."""
        positions = tf.searchsorted(numbers, wanted)
        return {name: tf.gather(values, positions) for name, values in self.features(components).items()}

    def _gathered(self, numbers: tf.Tensor, components: Sequence[tf.Tensor], wanted: tf.Tensor) -> Sequence[tf.Tensor]:
        return tf.nest.flatten(self.gather(numbers, components, wanted), expand_composites=True)


@functools.lru_cache(maxsize=4)
def parser_of(form: RecordFormat) -> RowParser:
    """The parser of a format, traced once for all inputs of it."""
    return RowParser(form)


def _parts(spec: tf.TypeSpec) -> list[bool]:
    """A ragged feature consists of its values, then the splits, outermost first."""
    return [False, *[True] * spec.ragged_rank] if isinstance(spec, tf.RaggedTensorSpec) else [False]


@dataclasses.dataclass(frozen=True)
class RowStore:
    """Records by number.

    Attributes:
        parser: What parsed them.
        numbers: Their numbers, int64 `[N]`, rising.
        components: Their features' components.
    """

    parser: RowParser
    numbers: np.ndarray
    components: Components

    def keep(self, numbers: np.ndarray) -> RowStore:
        """A store of some of the records only."""
        wanted = np.sort(numbers)
        components = self.parser.gathered(tf.constant(self.numbers), list(self.components), tf.constant(wanted))
        return RowStore(self.parser, wanted, tuple(components))

    @classmethod
    def concat(cls, parts: Sequence[RowStore]) -> RowStore:
        """One store of all records; a later part has greater numbers."""
        if len(parts) == 1:
            return parts[0]
        parser = parts[0].parser
        columns = zip(parser.is_splits, *(part.components for part in parts), strict=True)
        joined = [_joined_splits(values) if splits else tf.concat(values, axis=0) for splits, *values in columns]
        return cls(parser, np.concatenate([part.numbers for part in parts]), tuple(joined))


def _joined_splits(parts: Sequence[tf.Tensor]) -> tf.Tensor:
    """Row splits of ragged tensors one after another."""
    splits = [part.numpy() for part in parts]
    begins = np.cumsum([0, *(s[-1] for s in splits[:-1])])
    return tf.constant(np.concatenate([[0], *(s[1:] + begin for s, begin in zip(splits, begins, strict=True))]))
