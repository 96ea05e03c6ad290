"""Bytes that are numbers, kept in a store; `tests/components/transform/test_byte_columns.py` compares its batches."""

import numpy as np
import pytest
import tensorflow as tf

from tests.components.prepared.stores import IDENTITY, ragged
from tests.encoded import as_bytes
from tests.records import example, write_records
from tfx_sequences.components.prepared.prepared_input import PreparedStore
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "sequence.x": ragged(tf.string, "x"),
    "sequence_length": tf.io.FixedLenFeature([], tf.int64),
}
SIZE = 64


@pytest.mark.parametrize("encoding", ["uint8", "bfloat16", "float32", "int64", "tensor"])
def test_a_store_holds_numbers_in_their_own_type(tmp_path, encoding):
    column = {"type": "numeric", "shape": (SIZE,), "encoding": encoding, "normalizer": "none", "default_value": 5.0}
    batching = {"padding": {"x": {"value": -1.0}}}
    spec = SequenceSpec(name="s", id_key="id", sequence={"x": column}, label={"key": "y"}, batching=batching)
    rows = [np.arange(n * SIZE).reshape(n, SIZE) % 120 for n in (3, 0, 2)]
    values = [[as_bytes(step, encoding, False) for step in row] for row in rows]
    values[0][1] = b""
    written = [example({"id": f"r{i}", "label": i, "x": v, "sequence_length": len(v)}) for i, v in enumerate(values)]
    files = [str(write_records(tmp_path / "t.tfrecord", written))]
    header = write_prepared_store(files, spec, FEATURES, tmp_path / "store", IDENTITY)
    [part] = header.parts
    sizes = dict(zip((column.name for column in header.columns), part.sizes, strict=True))
    # The store has int64 in the smallest type that holds it; a tensor is what the network gets of it.
    item = {"uint8": 1, "bfloat16": 2, "float32": 4, "int64": 1, "tensor": 4}[encoding]
    assert (sizes["sequence.x"], sizes["sequence.x.present"]) == (5 * SIZE * item, 5)
    [(inputs, _, _)] = PreparedStore(tmp_path / "store", spec, IDENTITY).dataset(training=False, with_id=True)
    for identity, found in zip(inputs["id"].numpy(), inputs["sequence.x"].numpy(), strict=True):
        row = rows[int(identity[1:])].astype(np.float32)
        if identity == b"r0":
            row[1] = 5
        np.testing.assert_array_equal(found[: len(row)], row)
        assert (found[len(row) :] == -1).all()
