"""Records: mutated among good ones. Each is used with the values that a library reads, refused by name, or counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf
from tfx_bsl.coders import example_coder, sequence_example_coder

from tests.attack.record_mutators import MUTATORS
from tests.attack.small_models import KINDS, good_records, mutants, spec_of
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.row_store import parser_of
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.well_formed import (
    canonical,
    fault_of,
    malformed,
    parse_errors,
    require_well_formed,
)
from tfx_sequences.components.serving.serving_inputs import from_records
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.tfmd import make_schema

PER_ROUND = 4000
ROUNDS = 4
_AT_ONCE = 200
_SERIALIZED = [tf.TensorSpec([None], tf.string)]


def answered(route, records):
    """For each record what the route makes of it, None if it refuses the record; found by bisection."""
    if not records:
        return []
    try:
        return route(records)
    except (*parse_errors(), DataError):
        if len(records) == 1:
            return [None]
        half = len(records) // 2
        return answered(route, records[:half]) + answered(route, records[half:])


def in_parts(route, records):
    return [x for at in range(0, len(records), _AT_ONCE) for x in answered(route, records[at : at + _AT_ONCE])]


def rows_of(values, number):
    """Dense and ragged values by name as flat lists for each record."""
    flat = {}
    for name, value in values.items():
        if isinstance(value, tf.RaggedTensor):
            splits = value.row_splits.numpy()
            inner = value.values
            while isinstance(inner, tf.RaggedTensor):
                splits, inner = inner.row_splits.numpy()[splits], inner.values
            array = inner.numpy().reshape(inner.shape[0], int(np.prod(inner.shape[1:])))
            flat[name] = [array[a:b].ravel() for a, b in itertools.pairwise(splits)]
        else:
            flat[name] = list(value.numpy().reshape(number, int(np.prod(value.shape[1:]))))
    return [{name: values[row] for name, values in flat.items()} for row in range(number)]


def flat_of(batch, key):
    """The numbers of a feature of steps in each record that tfx_bsl decoded."""
    at = batch.schema.get_field_index("##SEQUENCE##")
    column = batch.column(at).field(key) if at >= 0 else batch.column(batch.schema.get_field_index(key))
    for record in column.to_pylist():
        steps = record or []
        yield np.array([x for s in steps for x in s or []] if at >= 0 else steps, np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_what_reads_files_and_the_signature_agree(kind, rounds, tally):
    spec = spec_of(kind)
    served = tf.function(lambda serialized: from_records(serialized, spec), input_signature=_SERIALIZED)
    checked = tf.function(require_well_formed, input_signature=_SERIALIZED)
    parser, schema = parser_of(raw_records(spec)), make_schema(spec).SerializeToString()
    coder = (
        sequence_example_coder.SequenceExamplesToRecordBatchDecoder("##SEQUENCE##", schema)
        if kind == "SequenceExample"
        else example_coder.ExamplesToRecordBatchDecoder(schema)
    )

    def by_check(records):
        batch = Batch("file", 0, records)
        parse_batch(batch, spec)
        found = {n: tf.RaggedTensor.from_nested_row_splits(r.tensor, r.splits) for n, r in batch.rows.items()}
        return rows_of(found, len(records))

    def by_signature(records):
        return rows_of(served(tf.constant(records, tf.string)), len(records))

    def by_graph(records):
        checked(tf.constant(records, tf.string))
        return [True] * len(records)

    for random in rounds(ROUNDS):
        records = mutants(kind, random, PER_ROUND)
        wrong = malformed(records, spec)
        assert (np.array([x is None for x in in_parts(by_graph, records[:1000])]) == ~canonical(records[:1000])).all()
        for record in (record for record, is_wrong in zip(records, wrong, strict=True) if is_wrong):
            fault = fault_of(record, spec)
            assert fault is not None and fault.received and fault.fix
        kept = [record for record, is_wrong in zip(records, wrong, strict=True) if not is_wrong]
        for route in ("check", "reader", "signature", "transform"):
            tally.add(route, "refused", int(wrong.sum()))
        readable = np.concatenate(
            [parser.can_parse(tf.constant(kept[at : at + _AT_ONCE])) for at in range(0, len(kept), _AT_ONCE)]
        )
        tally.add("reader", "answered", int(readable.sum()))
        tally.add("reader", "refused", int((~readable).sum()))
        good = list(good_records(kind)[:_AT_ONCE])
        expected = by_signature(good)
        signature = in_parts(by_signature, kept)
        tally.add("signature", "answered", sum(x is not None for x in signature))
        tally.add("signature", "refused", sum(x is None for x in signature))
        # Whatever the reader of labelled records reads, the signature reads with the same values.
        read = [record for record, can in zip(kept, readable, strict=True) if can]
        both = [found for found, can in zip(signature, readable, strict=True) if can]
        assert not any(found is None for found in both)
        by_record = in_parts(by_check, read)
        for record_values, check_values in zip(both, by_record, strict=True):
            for name, values in (check_values or {}).items():
                if name in record_values and len(values):
                    assert np.array_equal(values, record_values[name], equal_nan=values.dtype.kind == "f"), name
        accepted = [number for number, found in enumerate(by_record) if found is not None]
        tally.add("check", "answered", len(accepted))
        tally.add("check", "refused", len(kept) - len(accepted))
        # What the check accepts Transform decodes, with the same values.
        decoded = coder.DecodeBatch([read[number] for number in accepted])
        lpc = flat_of(decoded, "lpc")
        assert all(
            np.array_equal(a, by_record[n]["sequence.lpc"], equal_nan=True) for n, a in zip(accepted, lpc, strict=True)
        )
        tally.add("transform", "answered", len(accepted))
        # Good neighbours in the same batch are what they are alone.
        some = read[: len(good)]
        mixed = [record for pair in zip(good, some, strict=False) for record in pair]
        for found, alone in zip(by_signature(mixed)[::2], expected, strict=False):
            for name, values in alone.items():
                assert np.array_equal(values, found[name]), name


def test_all_mutators_are_tried():
    assert len(MUTATORS) >= 35
    random = np.random.default_rng(3)
    for name, mutator in MUTATORS.items():
        for kind, of in KINDS.items():
            changed = [mutator(record, of, random) for record in good_records(kind)[:30]]
            assert any(a != b for a, b in zip(changed, good_records(kind), strict=False)), name
