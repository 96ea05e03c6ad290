"""The program that repeats predictions: differences are those of NumPy, and packages of the trainer are refused."""

import io
import json
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.serving import predictions_file
from tfx_sequences.components.serving.fresh_process import FORBIDDEN, _Refuse, main

RECORDS = [b"a", b"bcd\0", b""]


class Lengths(tf.Module):
    """Of each record its length, and a name."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        lengths = tf.cast(tf.strings.length(examples), tf.float32)
        return {"predictions": lengths, "names": tf.where(lengths > 0, "ä", "none")}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder, module = tmp_path_factory.mktemp("model"), Lengths()
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return str(folder)


@pytest.fixture
def repeated(model, tmp_path, monkeypatch):
    def repeat(outputs):
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        predictions_file.write(str(tmp_path), RECORDS, outputs)
        files = [model, str(tmp_path / predictions_file.FILE_NAME), str(tmp_path / "result.json")]
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(files) + "\n"))
        main()
        return json.loads((tmp_path / "result.json").read_text())

    return repeat


def test_equal_outputs_have_no_difference(repeated):
    names = np.array(["ä".encode(), "ä".encode(), b"none"], object)
    report = repeated({"predictions": np.float32([1, 4, 0]), "names": names})
    assert report["records"] == 3
    assert report["largest_difference"] == {"predictions": 0.0}
    assert report["different_strings"] == {"names": 0}
    assert report["empty_batch_rows"] == {"predictions": 0, "names": 0}


def test_differences_are_relative_to_the_largest_number_and_strings_are_counted(repeated):
    names = np.array([b"a", "ä".encode(), b"other"], object)
    report = repeated({"predictions": np.float32([1, 8, 0]), "names": names})
    assert report["largest_difference"] == {"predictions": (8 - 4) / 8}
    assert report["different_strings"] == {"names": 2}
    assert repeated({"predictions": np.float32([1, 4, 0.5])})["largest_difference"] == {"predictions": 0.5 / 4}


@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        ({"scores": np.zeros(3)}, KeyError, "no output 'scores'; it has .*'names', 'predictions'"),
        ({"predictions": np.zeros((3, 1))}, ValueError, r"has shape \(3,\), the trainer's has \(3, 1\)"),
    ],
)
def test_other_outputs_are_errors(repeated, outputs, error, message):
    with pytest.raises(error, match=message):
        repeated(outputs)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_packages_that_a_model_server_does_not_have_are_refused(name):
    with pytest.raises(ImportError, match=f"the exported model needs '{name}.inner'"):
        _Refuse().find_spec(f"{name}.inner")
    assert _Refuse().find_spec("numpy.linalg") is None
