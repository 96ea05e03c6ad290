"""Analyzes the training split and makes the transform graph, without TFX, TFT and Beam: one pass over the records.

The graph's folder has the layout of TFT's, so `TransformOutput` reads both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.python.trackable import resource

from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.transform.core_engine import Answers, OfCombiner, OfTerms, Questions
from tfx_sequences.components.transform.preprocessing import transform_inputs
from tfx_sequences.components.transform.transform_graph import OWN_GRAPH
from tfx_sequences.components.transform.transform_output import ASSET_MAP, GRAPH_DIR, METADATA_DIR
from tfx_sequences.components.transform.vocabulary_counts import VocabularyCounts
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.raw_features import key_of_items, served_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.temporary_names import temporary_folder

# TFT's line in a vocabulary without terms, because a table cannot be empty.
NO_TERMS = b"49d0cd50-04bb-48c0-bc6f-5b575dce351a"
_MOST_RECORDS, _MOST_BYTES = 1024, 16 << 20
_SAMPLE = 32
_SERIALIZED = tf.TensorSpec([None], tf.string)


def analyze_split(spec: SequenceSpec, files: Sequence[str], folder: str) -> None:
    """Writes the transform graph of a spec.

    Args:
        spec: The spec.
        files: Record files of the training split.
        folder: The folder for the graph, which does not exist yet.
    """
    with temporary_folder("analysis") as scratch:
        questions = Questions()
        outputs, vocabularies = _answered(questions, spec, files, str(scratch))
        _write_graph(spec, Answers(outputs, vocabularies), vocabularies, os.path.join(folder, GRAPH_DIR))
    metadata = Path(folder, METADATA_DIR)
    metadata.mkdir()
    metadata.joinpath(ASSET_MAP).write_text(json.dumps({**{v: v for v in vocabularies}, **questions.texts}), "utf-8")


def record_batches(spec: SequenceSpec, files: Sequence[str]) -> Iterator[tf.data.Dataset]:
    """For each file a dataset of batches of its records, strings `[B]`, in their order.

    Args:
        spec: The spec.
        files: Record files.
    """
    for file in files:
        records = record_dataset(file, key_of_items(spec))
        sizes = [len(record) for record in records.take(_SAMPLE).as_numpy_iterator()]
        if sizes:
            fit = int(_MOST_BYTES * len(sizes) / max(sum(sizes), 1))
            yield records.batch(min(max(fit, 1), _MOST_RECORDS))


def _answered(
    questions: Questions, spec: SequenceSpec, files: Sequence[str], scratch: str
) -> tuple[dict[str, list[tf.Tensor]], dict[str, str]]:
    """The outputs of combiners by question, and the path of each vocabulary by its name."""

    def ask(serialized: tf.Tensor) -> list[list[tf.Tensor]]:
        transform_inputs(parse_records(serialized, spec), spec, questions)
        return questions.inputs

    # A table without a Python object would be deleted.
    tables = resource.ResourceTracker()
    with resource.resource_tracker_scope(tables):
        traced = tf.compat.v1.wrap_function(ask, [_SERIALIZED])
    # Without what depends on answers, such as checks of ids.
    batch_inputs = traced.prune(traced.inputs[:1], traced.structured_outputs)
    states: list[Any] = [
        q.combiner.create_accumulator() if isinstance(q, OfCombiner) else VocabularyCounts(scratch)
        for q in questions.asked
    ]
    for batches in record_batches(spec, files):
        inputs = batches.map(lambda serialized: tuple(map(tuple, batch_inputs(serialized))), tf.data.AUTOTUNE)
        for batch in inputs.prefetch(1).as_numpy_iterator():
            for at, (question, arrays) in enumerate(zip(questions.asked, batch, strict=True)):
                if isinstance(question, OfCombiner):
                    states[at] = question.combiner.add_input(states[at], arrays)
                else:
                    states[at].add(*arrays)
    outputs, vocabularies = {}, {}
    for question, state in zip(questions.asked, states, strict=True):
        if isinstance(question, OfCombiner):
            found = zip(question.combiner.extract_output(state), question.combiner.output_dtypes, strict=True)
            outputs[question.name] = [tf.constant(array, dtype) for array, dtype in found]
        else:
            vocabularies[question.file] = os.path.join(scratch, question.file)
            _write_terms(state, question, vocabularies[question.file])
    return outputs, vocabularies


def _write_terms(counts: VocabularyCounts, question: OfTerms, path: str) -> None:
    found = counts.ordered(top_k=question.top_k, frequency_threshold=question.frequency_threshold)
    with open(path, "wb") as file:
        if not found.num_rows:
            file.write((b"1 " if question.with_counts else b"") + NO_TERMS + b"\n")
        for batch in found.to_batches():
            terms, numbers = batch.column("term").to_pylist(), batch.column("count").to_pylist()
            if question.with_counts:
                terms = [b"%d %s" % pair for pair in zip(numbers, terms, strict=True)]
            file.write(b"".join(term + b"\n" for term in terms))


def _write_graph(spec: SequenceSpec, answers: Answers, vocabularies: Mapping[str, str], folder: str) -> None:
    module = tf.Module()
    tables = resource.ResourceTracker()
    with resource.resource_tracker_scope(tables):
        # Saved as they are: functions that can be traced again would get other tables.
        module.transform_labelled = _traced(spec, answers, with_label=True)
        module.transform_served = _traced(spec, answers, with_label=False)
    module.tables = tables.resources
    module.vocabularies = [tf.saved_model.Asset(path) for path in vocabularies.values()]
    tf.saved_model.save(module, folder)
    marker = os.path.join(folder, OWN_GRAPH)
    os.makedirs(os.path.dirname(marker), exist_ok=True)
    Path(marker).write_text("")


def _traced(spec: SequenceSpec, answers: Answers, *, with_label: bool) -> Any:
    """The transform of parsed features, a concrete function."""
    parse = tf.function(lambda serialized: parse_records(serialized, spec, with_label=with_label), autograph=False)
    parsed = parse.get_concrete_function(_SERIALIZED).structured_outputs
    if not with_label:
        parsed = {feature.tensor_name: parsed[feature.tensor_name] for feature in served_features(spec)}
    transform = tf.function(
        lambda inputs: transform_inputs(inputs, spec, answers, with_label=with_label), autograph=False
    )
    return transform.get_concrete_function({name: tf.type_spec_from_value(value) for name, value in parsed.items()})
