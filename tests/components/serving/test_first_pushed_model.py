"""A model that a run pushed while all components were files of one folder: it loads, and answers as it did then."""

import zipfile
from importlib import resources
from pathlib import Path

import numpy as np

from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.prediction import predict_files

PUSHED = Path(__file__).with_name("first_pushed_model.zip")
RECORDS = "examples_data/japanese_vowels/test-00000-of-00001.tfrecord.gz"


def test_a_model_that_was_pushed_before_answers_as_it_did(tmp_path):
    with zipfile.ZipFile(PUSHED) as archive:
        archive.extractall(tmp_path)
    with resources.as_file(resources.files("tfx_sequences") / RECORDS) as records:
        # Scores of every fourth of the bundled test records, as `predict` wrote them.
        rows = list(predict_files(tmp_path, records))[::4]
    with np.load(PUSHED.with_suffix(".npz")) as expected:
        assert [row["id"] for row in rows] == expected["ids"].tolist()
        scores = [[row["scores"][name] for name in expected["classes"]] for row in rows]
        np.testing.assert_allclose(scores, expected["scores"], rtol=0, atol=1e-6)
        best = expected["classes"][expected["scores"].argmax(axis=1)]
    assert [row["predicted_class"] for row in rows] == best.tolist()
    model = load_model(tmp_path)
    assert (model.spec.name, model.version) == ("japanese_vowels", 1)
