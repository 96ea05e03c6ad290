"""The preprocessing function, generated from the spec; in a pipeline, TFT's `preprocessing_fn`.

Inputs are parsed features by raw name. Outputs, by transformed name (used in the materialised
records, the model and the serving graph):

    context.NAME     dense [B, *shape] float32, or [B] int64 ids; ragged [B, V] for several ids
    sequence.NAME    ragged [B, T, *shape] float32, or [B, T] int64 ids, or [B, T, V] for several
    sequence.NAME.record_scale   ragged [B, T, 2 * size] float32, added by `scale_feature`; without steps
                     if `auto` did not choose a per-record normalizer
    sequence.NAME.observed   ragged [B, T, size] float32, 1 where a column with an `indicator` has a value, else 0;
                     context.NAME.observed [B, size]
    NAME.weights     of a column with `weighted_by`: ragged float32, a weight for each of the several ids
    sequence_length  [B] int64, steps of the record
    future.NAME      [B, H, *shape] float32, of a sequence feature with a known future, like `sequence.NAME`
    label            [B] int64 class index; ragged [B, V] for a multi_label of terms; float32 [B, *shape] for
                     numbers and vectors of 0 and 1; ragged [B, T, ...] of the same for labels of steps
    mase_scale       [B] float32          (if a forecast names one)
    step_weight      ragged [B, T] float32 (if the label names one)
    example_weight   [B] float32          (if the spec names one)
    id               [B] string           (if the spec names one)

With several labels, each is called `label.NAME` (and `step_weight.NAME`). An id of -1 means no id:
a vector of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tfx_sequences.components.batches.absent_lists import longest_lists, with_missing_steps
from tfx_sequences.components.batches.alignment import column_inputs
from tfx_sequences.components.batches.ragged_steps import like, steps_of
from tfx_sequences.components.features.column_ids import ColumnIds
from tfx_sequences.components.features.ngrams import ngrams
from tfx_sequences.components.transform.crossed_features import transform_crossed
from tfx_sequences.components.transform.label_transform import missing_labels, transform_labels, with_all_steps
from tfx_sequences.components.transform.length_histogram import analyze_lengths
from tfx_sequences.components.transform.number_columns import transform_number_columns
from tfx_sequences.components.transform.statistics_engine import StatisticsEngine
from tfx_sequences.components.transform.term_weights import transform_weights
from tfx_sequences.components.transform.text_guard import require_text
from tfx_sequences.components.transform.transform_guard import record_spec
from tfx_sequences.schemas.columns.column import TermColumn, TextColumn
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID, SEQUENCE_LENGTH, raw_name
from tfx_sequences.schemas.features.computed_vocabularies import computed_vocabularies
from tfx_sequences.schemas.features.raw_features import feature_of, raw_features
from tfx_sequences.schemas.features.transformed_features import EXAMPLE_WEIGHT, RECORD_ID
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json

_SEVERAL = 2


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, Any]:
    """The function that TFX's Transform calls; `custom_config["spec"]` is the spec's JSON."""
    return transform_inputs(inputs, spec_from_json(custom_config["spec"]))


def transform_inputs(
    inputs: dict[str, Any], spec: SequenceSpec, engine: StatisticsEngine | None = None, *, with_label: bool = True
) -> dict[str, Any]:
    """Transforms parsed features to the outputs listed in the module's docstring.

    Args:
        inputs: Features by raw name, from `parse_records` or Transform's reader.
        spec: The spec.
        engine: Gives the statistics of the training split; None for TFT in a `preprocessing_fn`.
        with_label: Also labels, weights and the id of the record, which are then among the inputs.
    """
    if engine is None:
        from tfx_sequences.components.transform.tft_engine import TftEngine

        engine = TftEngine()
    record_spec(engine, spec)
    inputs = _with_all_steps(inputs, spec)
    outputs = transform_number_columns(inputs, spec, engine)
    terms: dict[str, Any] = {}
    for name, column in spec.columns.items():
        if not isinstance(column, TermColumn):
            continue
        values = column_inputs(inputs, column)[feature_of(column).tensor_name]
        ids = ColumnIds(column)
        terms[name] = _terms(values, ids)
        if column.ngram_width > 1:
            terms[name] = ngrams(_each(terms[name], ids.terms), column.ngram_width)
        if column.vocabulary is None:
            outputs[name] = _checked(terms[name], ids, _each(terms[name], ids))
    for vocabulary, names in computed_vocabularies(spec).items():
        outputs |= _computed(engine, vocabulary, {name: terms[name] for name in names}, spec)
    outputs |= transform_crossed(inputs, spec)
    outputs |= transform_weights(inputs, spec)
    lengths = {c.key: outputs[name].row_lengths() for name, c in spec.columns.items() if c.is_sequence}
    outputs[SEQUENCE_LENGTH] = _common_length(lengths)
    if not with_label:
        return outputs
    if spec.id_key:
        outputs[RECORD_ID] = ids_as_text(inputs[raw_name(spec.id_key, of_steps=False)])
    outputs |= transform_labels(inputs, spec, engine)
    outputs |= with_all_steps(outputs, spec)
    analyze_lengths(engine, outputs[SEQUENCE_LENGTH], missing_labels(inputs, outputs, spec))
    if spec.example_weight:
        weights = inputs[raw_name(spec.example_weight, of_steps=False)]
        outputs[EXAMPLE_WEIGHT] = tf.identity(tf.cast(weights, tf.float32))
    return outputs


def _with_all_steps(inputs: dict[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """The inputs, with steps that are missing in place of feature lists that a record does not have."""
    lists = [feature for feature in raw_features(spec, with_label=False) if feature.is_sequence and not feature.clock]
    texts = [c for c in spec.sequence.values() if isinstance(c, TextColumn) and c.source == "context"]
    if len(lists) + len(texts) < _SEVERAL or not lists:
        return inputs
    tokens = [_terms(inputs[feature_of(text).tensor_name], ColumnIds(text)).row_lengths() for text in texts]
    lengths = longest_lists(inputs, lists, tokens)
    filled = {f.tensor_name: with_missing_steps(inputs[f.tensor_name], lengths, f.size) for f in lists}
    return {**inputs, **filled}


def ids_as_text(ids: tf.Tensor) -> tf.Tensor:
    """The ids of records as strings; empty where one is missing.

    >>> ids_as_text(tf.constant([7, MISSING_INT], tf.int64)).numpy().tolist()
    [b'7', b'']
    """
    if ids.dtype == tf.string:
        return tf.identity(ids)
    return tf.where(ids == MISSING_INT, "", tf.strings.as_string(ids))


def _terms(values: Any, ids: ColumnIds) -> Any:
    """Terms (or ids, if the values are ids), in the shape of the column's output."""
    column = ids.column
    if isinstance(column, TextColumn):
        if column.is_sequence and column.source == "sequence":
            strings, present = steps_of(values, column.key, ())
            return like(values, ids.tokens(tf.where(present, strings, "")))
        return ids.tokens(values)
    if column.has_several_ids or not column.is_sequence:
        return values
    steps, present = steps_of(values, column.key, ())
    missing = tf.constant("" if steps.dtype == tf.string else MISSING_INT, steps.dtype)
    return like(values, tf.where(present, steps, missing))


def _each(terms: Any, function: Callable[[tf.Tensor], tf.Tensor]) -> Any:
    if not isinstance(terms, tf.RaggedTensor):
        return function(terms)
    return terms.with_flat_values(function(terms.flat_values))


def _computed(engine: StatisticsEngine, file: str, terms: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """Ids from a vocabulary that is computed over the terms of all these features."""
    columns: dict[str, Any] = {name: spec.columns[name] for name in terms}
    strings = {name: _each(terms[name], ColumnIds(column).terms) for name, column in columns.items()}
    every = [_flat(values) for values in strings.values()]
    every = [
        require_text(each, name) if each.dtype == tf.string else each for name, each in zip(terms, every, strict=True)
    ]
    declared = next(iter(columns.values())).vocabulary
    vocabulary = engine.vocabulary(
        every[0] if len(every) == 1 else tf.concat(every, axis=0),
        file,
        top_k=declared.top_k,
        frequency_threshold=declared.frequency_threshold,
    )
    outputs = {}
    for name, column in columns.items():
        default = NO_ID if column.default_value is None else column.default_value

        def apply(flat: tf.Tensor, default: int = default, buckets: int = column.oov_buckets) -> tf.Tensor:
            return engine.look_up(flat, vocabulary, default=default, buckets=buckets)

        outputs[name] = _checked(terms[name], ColumnIds(column), _each(strings[name], apply))
    return outputs


def _checked(terms: Any, ids: ColumnIds, found: Any) -> Any:
    """`found`, after a check that all terms are accepted."""

    def rows() -> tf.Tensor:
        if not isinstance(terms, tf.RaggedTensor):
            return tf.range(tf.shape(terms)[0])
        inner = terms.values
        outer = terms.value_rowids()
        return tf.gather(outer, inner.value_rowids()) if isinstance(inner, tf.RaggedTensor) else outer

    num_ids = ids.column.num_ids_given if isinstance(ids.column, TermColumn) else None
    ids.check(_flat(found), _flat(terms), rows, num_ids)
    return found


def _flat(values: Any) -> tf.Tensor:
    return values.flat_values if isinstance(values, tf.RaggedTensor) else values


def _common_length(lengths: dict[str, tf.Tensor]) -> tf.Tensor:
    keys = list(lengths)
    first = lengths[keys[0]]
    checks = [
        tf.debugging.Assert(
            tf.reduce_all(first == lengths[key]),
            [f"Sequence features '{keys[0]}' and '{key}' have different numbers of steps:", first, lengths[key]],
        )
        for key in keys[1:]
    ]
    with tf.control_dependencies(checks):
        return tf.identity(first)
