"""A model that was saved while all components were files of one folder: layers are found by their registered names."""

import re
import zipfile
from pathlib import Path

import keras
import numpy as np

import tfx_sequences.components.network.model  # noqa: F401  registers the layers
from tests.components.network.padded_records import batch
from tfx_sequences.components.network.sequence_model import SequenceModel

SAVED = Path(__file__).with_name("first_layout.keras")


def test_a_model_of_the_first_layout_loads_and_answers_as_it_did():
    with zipfile.ZipFile(SAVED) as archive:
        modules = set(re.findall(r'"module": "tfx_sequences\.([\w.]+)"', archive.read("config.json").decode()))
    assert {"components.sequence_features", "components.pooling"} <= modules
    model = keras.saving.load_model(SAVED, compile=False)
    assert isinstance(model, SequenceModel)
    outputs = model(batch(5))
    with np.load(SAVED.with_suffix(".npz")) as expected:
        assert set(outputs) == set(expected.files)
        for name in expected.files:
            np.testing.assert_allclose(outputs[name], expected[name], rtol=1e-5, atol=1e-7, err_msg=name)
