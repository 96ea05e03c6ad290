import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.byte_samples import image_format, is_text, look_at, sample_bytes

RANDOM = np.random.default_rng(3)


def test_text_of_any_language_is_text():
    assert look_at(["Málaga".encode(), "東京\n".encode(), b"a"]).is_text
    assert not is_text(b"\x00") and not is_text("Málaga".encode("latin-1"))


def test_bytes_of_one_length_and_of_many():
    vectors = look_at([RANDOM.bytes(1024) for _ in range(20)])
    assert (vectors.lengths, vectors.is_text, vectors.encoding, vectors.image) == ((1024, 1024), False, None, None)
    assert look_at([b"\xff" * 3, b"\xff" * 5]).lengths == (3, 5)


def test_images_are_known_by_how_they_begin():
    gray = tf.constant(RANDOM.integers(0, 255, (4, 5, 1)), tf.uint8)
    jpeg, png = tf.io.encode_jpeg(gray).numpy(), tf.io.encode_png(gray).numpy()
    assert look_at([jpeg, jpeg]).image_shape == (4, 5, 1)
    assert look_at([jpeg, jpeg]).image == "JPEG" and look_at([png]).image == "PNG"
    assert look_at([jpeg[:30]]).image == "JPEG" and look_at([jpeg[:30]]).image_shape is None
    assert look_at([jpeg, png]).image is None and image_format(b"GIF89a...") == "GIF"


def test_floats_are_known_by_their_bits():
    for dtype in ("float32", "float64"):
        values = [RANDOM.normal(size=12).astype(dtype).tobytes() for _ in range(9)]
        assert (look_at(values).encoding, look_at(values).shape) == (dtype, (12,))
    assert look_at([bytes(12) for _ in range(9)]).encoding is None
    assert look_at([RANDOM.integers(-9000, 9000, 12).astype("int16").tobytes() for _ in range(9)]).encoding is None


def test_serialized_tensors_are_known_with_their_shape():
    tensors = [tf.io.serialize_tensor(tf.random.normal([2, 3])).numpy() for _ in range(5)]
    assert (look_at(tensors).encoding, look_at(tensors).shape) == ("tensor", (2, 3))
    assert look_at([*tensors, tf.io.serialize_tensor(tf.zeros([3, 3])).numpy()]).encoding is None


def test_a_sample_has_both_sides_of_records_and_survives_broken_ones(tmp_path):
    record = sequence_example({"x": RANDOM.bytes(7), "n": 3, "empty": b""}, {"x": ["a", "b"], "z": [1.0]})
    files = [write_records(tmp_path / "a.tfrecord", [record, b"\xff\xff\xff no record"])]
    found = sample_bytes(files)
    assert set(found) == {(False, "x"), (True, "x")}
    assert found[True, "x"].is_text and found[False, "x"].lengths == (7, 7)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<i2", ">i2"])
@pytest.mark.parametrize("scale", [50, 1000])
def test_the_order_of_bytes_is_known(dtype, scale):
    numbers = np.random.default_rng(1).normal(0, scale, (200, 8))
    sample = look_at([row.astype(dtype).tobytes() for row in numbers])
    kind = np.dtype(dtype)
    assert (sample.encoding, sample.big_endian, sample.shape) == (kind.name, dtype[0] == ">", (8,))


def test_bytes_of_one_kind_are_not_int16():
    random = np.random.default_rng(2)
    of_uint8 = {
        "dark images": random.integers(0, 60, (200, 48)),
        "YouTube-8M": random.normal(110, 30, (100, 128)).clip(0, 255),
        "uniform": random.integers(0, 256, (200, 16)),
        "int8": random.normal(0, 20, (200, 16)).astype("int8").view("uint8"),
        "gray and alpha": np.stack([random.integers(0, 256, (200, 9)), np.full((200, 9), 255)], axis=2).reshape(
            200, -1
        ),
    }
    for name, values in of_uint8.items():
        assert look_at([row.astype("uint8").tobytes() for row in values]).encoding is None, name
