import pytest

from tfx_sequences.schemas.proposal.proposed_bytes import BytesSample, column_of_bytes


def test_vectors_of_youtube_8m_have_its_range():
    for size in (1024, 128):
        fields, [note] = column_of_bytes(BytesSample(9, False, (size, size)))
        assert fields == {
            "type": "numeric",
            "shape": (size,),
            "encoding": "uint8",
            "dequantize": {"min": -2.0, "max": 2.0},
        }
        assert "YouTube-8M" in note


def test_other_bytes_of_one_length_are_uint8_unless_more_is_known():
    fields, notes = column_of_bytes(BytesSample(9, False, (40, 40)))
    assert fields == {"type": "numeric", "shape": (40,), "encoding": "uint8"} and "treated as uint8" in notes[0]
    fields, _ = column_of_bytes(BytesSample(9, False, (40, 40), encoding="float32", shape=(10,)))
    assert fields == {"type": "numeric", "shape": (10,), "encoding": "float32"}


@pytest.mark.parametrize(
    ("sample", "is_single", "reason"),
    [
        (BytesSample(9, False, (40, 41)), True, "have 40 to 41 bytes"),
        (BytesSample(9, False, (40, 41), image="JPEG"), True, "cannot be decoded"),
        (BytesSample(9, False, (40, 41), image="GIF", image_shape=(2, 2, 3)), True, "reads JPEG and PNG"),
        (BytesSample(9, False, (40, 40)), False, "several values"),
    ],
)
def test_what_no_column_reads_is_left_out_with_a_reason(sample, is_single, reason):
    fields, [note] = column_of_bytes(sample, is_single=is_single)
    assert fields is None and reason in note


def test_text_is_left_to_the_schema():
    assert column_of_bytes(BytesSample(9, True, (1, 3))) is None and column_of_bytes(None) is None


def test_images_become_columns_of_their_shape_made_small():
    fields, [note] = column_of_bytes(BytesSample(9, False, (40, 41), image="JPEG", image_shape=(240, 320, 3)))
    assert fields == {"type": "image", "encoding": "jpeg", "height": 48, "width": 64, "channels": 3}
    assert "240 by 320" in note
    fields, _ = column_of_bytes(BytesSample(9, False, (40, 41), image="PNG", image_shape=(5, 4, 1)))
    assert fields == {"type": "image", "encoding": "png", "height": 5, "width": 4, "channels": 1}
