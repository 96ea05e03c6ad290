import numpy as np
import pytest
import tensorflow as tf

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.image_faults import first_not_decoded
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.image_column import ImageColumn
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

JPEG = tf.io.encode_jpeg(np.zeros((4, 4, 3), np.uint8)).numpy()


def test_what_is_cut_off_or_of_another_format_is_found():
    column = ImageColumn(key="x", height=4, width=4)
    png = tf.io.encode_png(np.zeros((4, 4, 3), np.uint8)).numpy()
    assert first_not_decoded([JPEG, b"", JPEG], column) is None
    assert first_not_decoded([JPEG, JPEG[:40]], column) == 1
    assert first_not_decoded([png], column.model_copy(update={"encoding": "png"})) is None
    assert first_not_decoded([b"\x89PNG no"], column.model_copy(update={"encoding": "png"})) == 0


def test_check_names_the_record(tmp_path):
    spec = SequenceSpec(
        name="s", id_key="id", sequence={"x": {"type": "image", "height": 4, "width": 4}}, label={"key": "y"}
    )
    records = [sequence_example({"id": f"r{i}", "y": "ab"[i % 2]}, {"x": [JPEG, b"", []]}) for i in range(40)]
    write_records(tmp_path / "train-0.tfrecord", records)
    assert check_data(spec, tmp_path).splits["train"].steps == 120
    records[7] = sequence_example({"id": "r7", "y": "a"}, {"x": [JPEG, b"\xff\xd8\xff\xe0 no image"]})
    write_records(tmp_path / "train-0.tfrecord", records)
    with pytest.raises(DataError, match=r"(?s)not an image.*record 7 \('r7'\)"):
        check_data(spec, tmp_path)
