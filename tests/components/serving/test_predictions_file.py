import numpy as np
import tensorflow as tf

from tfx_sequences.components.serving import predictions_file


def test_records_and_outputs_come_back_byte_for_byte(tmp_path):
    records = [b"a\0\0", b"", b"\xff" * 9]
    outputs = {"scores": tf.constant([[0.5], [1.5], [2.5]]), "classes": tf.constant(["x", "ä", ""])}
    predictions_file.write(str(tmp_path / "run"), records, outputs)
    stored = np.load(tmp_path / "run" / predictions_file.FILE_NAME, allow_pickle=False)
    ends = np.cumsum(stored["record_lengths"])
    data = stored["records"].tobytes()
    assert [data[e - n : e] for e, n in zip(ends, stored["record_lengths"], strict=True)] == records
    np.testing.assert_array_equal(stored["output.scores"], [[0.5], [1.5], [2.5]])
    assert stored["output.classes"].tolist() == ["x", "ä", ""]
