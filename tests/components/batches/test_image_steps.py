import io

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.batches.image_steps import decoded_images
from tfx_sequences.components.batches.padding import pad_features
from tfx_sequences.schemas.columns.image_column import ImageColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RANDOM = np.random.default_rng(2)
PIXELS = RANDOM.integers(0, 256, (6, 8, 3)).astype(np.uint8)


def scaled(pixels):
    return np.asarray(pixels, np.float64) / 127.5 - 1


def test_png_images_are_the_pixels_that_were_encoded():
    column = ImageColumn(key="x", height=6, width=8, encoding="png")
    found = decoded_images(tf.constant([[tf.io.encode_png(PIXELS).numpy(), b""]]), column)
    np.testing.assert_allclose(found[0, 0], scaled(PIXELS), atol=1e-6)
    assert found.shape == (1, 2, 6, 8, 3) and not found[0, 1].numpy().any()


def test_jpeg_images_are_those_of_pillow():
    image = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    smooth = np.linspace(0, 255, 16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    image.fromarray(smooth).save(file, "JPEG", quality=95, subsampling=0)
    pillow = np.asarray(image.open(io.BytesIO(file.getvalue())))
    column = ImageColumn(key="x", height=16, width=16)
    found = decoded_images(tf.constant([file.getvalue()]), column)
    # TensorFlow's transform is the quick one of libjpeg: a few levels of 256 away.
    np.testing.assert_allclose(found[0], scaled(pillow), atol=8 / 127.5)
    np.testing.assert_allclose(found[0], scaled(tf.io.decode_jpeg(file.getvalue())), atol=1e-6)


def test_raw_pixels_and_gray():
    column = ImageColumn(key="x", height=6, width=8, channels=3, encoding="raw")
    found = tf.function(lambda v: decoded_images(v, column))(tf.constant([PIXELS.tobytes(), b""]))
    np.testing.assert_allclose(found[0], scaled(PIXELS), atol=1e-6)
    assert not found[1].numpy().any()
    with pytest.raises(tf.errors.InvalidArgumentError, match="144 bytes each"):
        decoded_images(tf.constant([b"123"]), column)
    gray = ImageColumn(key="x", height=6, width=8, channels=1, encoding="png")
    encoded = tf.io.encode_png(PIXELS[:, :, :1]).numpy()
    np.testing.assert_allclose(decoded_images(tf.constant([encoded]), gray)[0], scaled(PIXELS[:, :, :1]), atol=1e-6)


def test_other_sizes_are_resized_by_the_method():
    big = np.repeat(np.repeat(PIXELS, 2, axis=0), 2, axis=1)
    column = ImageColumn(key="x", height=6, width=8, encoding="png", resize="nearest")
    found = decoded_images(tf.constant([tf.io.encode_png(big).numpy()]), column)
    np.testing.assert_allclose(found[0], scaled(PIXELS), atol=1e-6)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_steps_are_0(side):
    column = {"type": "image", "height": 6, "width": 8, "encoding": "raw"}
    batching = {"padding": {"x": {"side": side}}}
    spec = SequenceSpec(name="s", sequence={"x": column}, context={"c": column}, label={"key": "y"}, batching=batching)
    value = PIXELS.tobytes()
    features = {
        "sequence.x": tf.ragged.constant([[value, value], [value]], row_splits_dtype=tf.int64),
        "context.c": tf.constant([value, b""]),
        "sequence_length": tf.constant([2, 1], tf.int64),
    }
    inputs = pad_features(features, spec)
    there = 1 if side == "left" else 0
    np.testing.assert_allclose(inputs["sequence.x"][1, there], scaled(PIXELS), atol=1e-6)
    assert not inputs["sequence.x"][1, 1 - there].numpy().any() and not inputs["context.c"][1].numpy().any()
