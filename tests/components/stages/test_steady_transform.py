"""TFX's Transform component itself, on records with numbers whose sums depend on how they are split."""

import hashlib
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.transform import executor as stock
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2, transform_pb2
from tfx.types import channel_utils, standard_artifacts
from tfx.types.artifact_utils import encode_split_names

from tests.busy import busy
from tests.records import example, write_records
from tfx_sequences.components.stages.steady_transform import RECORDS_PER_BATCH, Executor, SteadyTransform

RECORDS = 2 * RECORDS_PER_BATCH + 88
VALUES = np.random.default_rng(0).lognormal(3, 2, (RECORDS, 5)).astype(np.float32)
SCHEMA = """
feature { name: "x" type: FLOAT shape { dim { size: 5 } } presence { min_fraction: 1 } }
"""


class Sizes(beam.PTransform):
    """The sizes of all batches, in their order."""

    def expand(self, batches):
        sizes = batches | beam.Map(lambda batch: len(batch[0])) | beam.combiners.ToList()
        return sizes | "AsArray" >> beam.Map(np.array)


def preprocessing_fn(inputs):
    [sizes] = tft.experimental.ptransform_analyzer([inputs["x"]], Sizes(), [tf.int64], [[None]])
    rows = tf.shape(inputs["x"])[0]
    return {
        "x": tft.scale_to_z_score(inputs["x"], elementwise=True),
        "batches": tf.tile(tf.reshape(sizes, [1, 3]), [rows, 1]),
    }


def artifact(kind, uri, splits=None):
    made = kind()
    made.uri = str(uri)
    if splits:
        made.split_names = encode_split_names(splits)
    return made


def transformed(folder):
    """The transformed records, in order, each serialized in the one way that equal records share."""
    write_records(folder / "in" / "Split-train" / "r.gz", [example({"x": row.tolist()}) for row in VALUES])
    (folder / "schema").mkdir()
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    (folder / "schema" / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    examples = artifact(standard_artifacts.Examples, folder / "in", ["train"])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    inputs = {"examples": [examples], "schema": [artifact(standard_artifacts.Schema, folder / "schema")]}
    outputs = {
        "transform_graph": [artifact(standard_artifacts.TransformGraph, folder / "graph")],
        "transformed_examples": [artifact(standard_artifacts.Examples, folder / "out")],
    }
    component = SteadyTransform(
        **{name: channel_utils.as_channel(given) for name, given in inputs.items()},
        preprocessing_fn=f"{__name__}.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=["train"]),
        disable_statistics=True,
        disable_analyzer_cache=True,
    )
    arguments = ["--runner=FnApiRunner", "--sdk_container_image=none"]
    context = Executor.Context(beam_pipeline_args=arguments, unique_id="1", tmp_dir=str(folder))
    Executor(context).Do(inputs, outputs, component.exec_properties)
    files = sorted(map(str, Path(folder, "out", "Split-train").iterdir()))
    records = map(tf.train.Example.FromString, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return [record.SerializeToString(deterministic=True) for record in records]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return transformed(tmp_path_factory.mktemp("transform"))


def values_of(records, name, kind):
    features = (tf.train.Example.FromString(record).features.feature[name] for record in records)
    return np.array([getattr(feature, kind).value for feature in features])


def test_batches_are_of_one_size_whatever_the_clock_says(records):
    sizes = values_of(records, "batches", "int64_list")
    assert len(sizes) == RECORDS
    assert sorted(set(map(tuple, sizes))) == [(RECORDS_PER_BATCH, RECORDS_PER_BATCH, 88)]
    # Others in this process have TFX's own Transform as it is.
    assert stock.TransformProcessor.__module__ == stock.__name__


def test_values_are_those_of_the_records_in_their_order(records):
    wide = VALUES.astype(np.float64)
    expected = (wide - wide.mean(0)) / wide.std(0)
    np.testing.assert_allclose(values_of(records, "x", "float_list"), expected, atol=1e-5)


@pytest.mark.slow
def test_a_busy_machine_does_not_change_a_bit_of_the_values(records, tmp_path):
    with busy():
        again = transformed(tmp_path)
    digests = {hashlib.sha256(b"".join(of_run)).hexdigest() for of_run in (records, again)}
    assert len(digests) == 1
