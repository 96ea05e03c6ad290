"""One spec whose columns hold numbers as bytes, in every encoding and byte order, of steps and of records."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tests.everything import Analyzed
from tests.records import sequence_example
from tfx_sequences.schemas.columns.byte_numbers import FIXED_ENCODINGS
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 12
SIZE = 3


def kinds():
    """Names of columns, with encoding and byte order."""
    found = {"tensor": ("tensor", False)}
    for encoding in FIXED_ENCODINGS:
        found |= {encoding: (encoding, False), f"{encoding}_big": (encoding, True)}
    return found


def encoded_spec(**changes):
    def column(encoding, big_endian):
        fields = {"type": "numeric", "shape": (SIZE,), "encoding": encoding, "normalizer": "none"}
        return {**fields, "big_endian": big_endian}

    columns = {name: column(*kind) for name, kind in kinds().items()}
    frame = {"type": "numeric", "shape": (SIZE,), "encoding": "uint8", "dequantize": {"min": -2.0, "max": 2.0}}
    scaled = {**columns["int64"], "normalizer": {"offset": (1.0, 2.0, 3.0), "scale": 0.5}, "default_value": 7.0}
    return SequenceSpec(
        **{
            "name": "encoded",
            "id_key": "id",
            "context": {**columns, "scored": {**columns["int16"], "normalizer": "z_score"}},
            "sequence": {
                **columns,
                "frame": frame,
                "scaled": {**scaled, "clip": 40.0},
                "scored": {**columns["int16"], "normalizer": "z_score"},
            },
            "label": {"key": "kind"},
            "model": {"units": (2,)},
            "training": {"epochs": 1},
            **changes,
        }
    )


def as_bytes(numbers, encoding, big_endian):
    """What NumPy (of bfloat16, ml_dtypes) writes."""
    if encoding == "tensor":
        return tf.io.serialize_tensor(tf.constant(numbers, tf.float16)).numpy()
    array = np.asarray(numbers).astype(tf.as_dtype(encoding).as_numpy_dtype)
    items = array.view(np.uint8).reshape(-1, array.itemsize)
    return (items[:, ::-1] if big_endian else items).tobytes()


def numbers_of_records():
    """By column name, `[SIZE]` numbers of each record and `[T, SIZE]` of its steps: small ones, exact in all types."""
    random = np.random.default_rng(5)
    found = []
    for index in range(NUM_RECORDS):
        steps = index % 5
        low = {name: 0 if name.startswith("uint") else -100 for name in kinds()}
        high = 120
        context = {name: random.integers(low[name], high, SIZE) for name in kinds()}
        sequence = {name: random.integers(low[name], high, (steps, SIZE)) for name in kinds()}
        context["scored"] = random.integers(-3000, 3000, SIZE)
        sequence |= {
            "scored": random.integers(-3000, 3000, (steps, SIZE)),
            "frame": random.integers(0, 256, (steps, SIZE)),
            "scaled": random.integers(-100, 100, (steps, SIZE)),
        }
        found.append((context, sequence))
    return found


def plain_records(numbers):
    spec = encoded_spec()
    records = []
    for index, (context, sequence) in enumerate(numbers):
        of_record = {n: as_bytes(x, spec.context[n].encoding, spec.context[n].big_endian) for n, x in context.items()}
        of_steps = {
            n: [as_bytes(x, spec.sequence[n].encoding, spec.sequence[n].big_endian) for x in steps]
            for n, steps in sequence.items()
        }
        if index == 3:
            # A step that is missing, and one that holds an empty value.
            of_steps["frame"][1], of_steps["scaled"][0] = [], b""
        records.append(({"id": f"r{index}", "kind": "ab"[index % 2], **of_record}, of_steps))
    return records


def analyzed_and_transformed(spec, records, folder):
    """The graph of Transform, and the records that it writes, by TFX's reader, Beam and TFT's own encoder."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tfx_bsl.public import tfxio

    from tfx_sequences.components.transform.preprocessing import transform_inputs
    from tfx_sequences.schemas.features.tfmd import make_schema

    result = Analyzed(spec, records, str(folder / "graph"))
    source = tfxio.TFSequenceExampleBeamRecord(
        physical_format="memory", telemetry_descriptors=["tests"], schema=make_schema(spec)
    )
    with beam.Pipeline(runner="FnApiRunner") as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        batches = pipeline | beam.Create(result.serialized) | source.BeamSource()
        dataset = (batches, source.TensorAdapterConfig())
        transformed, graph = dataset | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: transform_inputs(inputs, spec), output_record_batches=True
        )
        _ = graph | tft_beam.WriteTransformFn(result.transform_dir)
        _ = (
            transformed
            | tft_beam.EncodeTransformedDataset()
            | beam.io.WriteToTFRecord(str(folder / "transformed.tfrecord"), shard_name_template="")
        )
    return result, str(folder / "transformed.tfrecord")


def examples_of(records):
    return [sequence_example(c, s).SerializeToString() for c, s in records]
