import numpy as np
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
