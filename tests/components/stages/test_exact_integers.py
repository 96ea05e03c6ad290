"""What the reader of Transform gives of int64 values, and that it still needs a second look."""

import tensorflow as tf
from tfx_bsl.public import tfxio
from tfx_bsl.tfxio import tf_sequence_example_record

from tests.records import sequence_example
from tfx_sequences.components.stages.exact_integers import exact_integers
from tfx_sequences.schemas.features.tfmd import make_schema
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

START = 1528917632_000_000_001
RECORDS = [
    sequence_example({"k": "a", "start": START}, {"t": [START, [], -START, 7], "x": [1.0, 2.0, 3.0, 4.0]}),
    sequence_example({"k": "b", "start": 2**62}, {"x": [1.0]}),
    sequence_example({"k": "a", "start": -1}, {"t": [], "x": []}),
    sequence_example({"k": "a", "start": -1}, {"t": [-(2**63)], "x": [2.0]}),
]
NUMBER = {"type": "numeric", "dtype": "int64"}


def read():
    """By name the lists that the decoder of a pipeline gives."""
    spec = SequenceSpec(
        name="s", context={"start": NUMBER}, sequence={"t": NUMBER, "x": {"type": "numeric"}}, label={"key": "k"}
    )
    source = tfxio.TFSequenceExampleBeamRecord(
        physical_format="memory", telemetry_descriptors=["tests"], schema=make_schema(spec)
    )
    decoder = tf_sequence_example_record._DecodeBatchExamplesDoFn(make_schema(spec), None)
    decoder.setup()
    [batch] = decoder.process([record.SerializeToString() for record in RECORDS])
    tensors = source.TensorAdapter().ToBatchTensors(batch)
    return {n: x.to_list() if isinstance(x, tf.RaggedTensor) else x.numpy().tolist() for n, x in tensors.items()}


def test_all_bits_are_read():
    with exact_integers():
        batch = read()
    assert batch["sequence.t"] == [[[START], [], [-START], [7]], [], [], [[-(2**63)]]]
    assert batch["sequence.x"] == [[[1.0], [2.0], [3.0], [4.0]], [[1.0]], [], [[2.0]]]
    assert batch["start"] == [START, 2**62, -1, -1]


def test_without_it_bits_are_lost():
    # Once this fails, tfx_bsl is right, and the module can go.
    batch = read()
    assert batch["sequence.t"][0][0] == [START % 2**32] != [START]
    assert batch["start"] == [START, 2**62, -1, -1]
