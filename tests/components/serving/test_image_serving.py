"""Images from records through Transform and batches to the exported model."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from tests.encoded import analyzed_and_transformed
from tests.everything import exported
from tests.records import sequence_example, write_records
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.requests import make_tensors
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RANDOM = np.random.default_rng(4)
PIXELS = [RANDOM.integers(0, 256, (n, 4, 5, 3)).astype(np.uint8) for n in (2, 0, 3, 1)]
COVERS = [RANDOM.integers(0, 256, (2, 2, 1)).astype(np.uint8) for _ in PIXELS]
SPEC = SequenceSpec(
    name="images",
    id_key="id",
    context={"cover": {"type": "image", "height": 2, "width": 2, "channels": 1, "encoding": "raw"}},
    sequence={"image/encoded": {"type": "image", "height": 4, "width": 5, "encoding": "png"}},
    label={"key": "kind"},
    model={"units": (2,)},
)
RECORDS = [
    (
        {"id": f"r{i}", "kind": "ab"[i % 2], "cover": cover.tobytes()},
        {"image/encoded": [tf.io.encode_png(image).numpy() for image in images]},
    )
    for i, (images, cover) in enumerate(zip(PIXELS, COVERS, strict=True))
]


@pytest.fixture(scope="module")
def transformed(tmp_path_factory):
    return analyzed_and_transformed(SPEC, RECORDS, tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def served(transformed, tmp_path_factory):
    raw, folder = exported(transformed[0], tmp_path_factory.mktemp("model"))
    return raw, str(folder), tf.saved_model.load(str(folder))


def assert_expected(inputs, order=range(4)):
    wanted = np.zeros((4, 3, 4, 5, 3))
    for row, images in enumerate(PIXELS):
        wanted[row, : len(images)] = images / 127.5 - 1
    np.testing.assert_allclose(inputs["sequence.image/encoded"], wanted[[*order]], atol=1e-6)
    np.testing.assert_allclose(inputs["context.cover"], np.stack(COVERS)[[*order]] / 127.5 - 1, atol=1e-6)


def test_batches_of_transformed_records(transformed):
    serialized = tf.constant([r.numpy() for r in tf.data.TFRecordDataset(transformed[1])])
    feature_spec = tft.TFTransformOutput(transformed[0].transform_dir).transformed_feature_spec()
    made = transformed_records(SPEC, feature_spec)
    inputs, _, _ = tf.function(made.batch)(serialized)
    assert_expected(inputs, [int(made.name(record)[1:]) for record in serialized.numpy()])


def test_the_exported_model_takes_the_same_bytes_in_records_and_tensors(transformed, served):
    model, serialized = served[2], transformed[0].serialized
    features = model.signatures["transform_features"](examples=tf.constant(serialized))
    assert_expected(features)
    wanted = model.signatures["serving_default"](examples=tf.constant(serialized))["scores"]
    np.testing.assert_allclose(served[0].predict(tf.constant(serialized))["scores"], wanted, atol=1e-6)
    rows = [{**{k: v for k, v in c.items() if k != "kind"}, **s} for c, s in RECORDS]
    tensors = {name: tf.constant(x) for name, x in make_tensors(rows, SPEC).items()}
    np.testing.assert_allclose(model.signatures["serving_tensors"](**tensors)["scores"], wanted, atol=1e-6)
    assert model.signatures["serving_default"](examples=tf.constant([], tf.string))["scores"].shape == (0, 2)


def test_predict_names_the_record_whose_image_cannot_be_decoded(served, tmp_path):
    good = [sequence_example(c, s) for c, s in RECORDS]
    assert len(list(predict_files(served[1], write_records(tmp_path / "good.tfrecord", good)))) == 4
    odd = sequence_example({**RECORDS[0][0], "id": "odd"}, {"image/encoded": [b"\x89PNG no image"]})
    write_records(tmp_path / "odd.tfrecord", [good[0], odd])
    with pytest.raises(Exception, match="odd"):
        list(predict_files(served[1], tmp_path / "odd.tfrecord"))
