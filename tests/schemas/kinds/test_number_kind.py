import numpy as np
import pytest

from tfx_sequences.schemas.spec.label import Label


def test_rows_hold_plain_numbers():
    lone, vector = Label(key="y", type="regression"), Label(key="y", type="regression", shape=(2,))
    assert lone.kind.row(lone, {"predictions": np.float32(1.5)}) == {"prediction": 1.5}
    assert vector.kind.row(vector, {"predictions": np.array([1.5, 2.0])}) == {"prediction": [1.5, 2.0]}


def test_tfma_measures_lone_numbers_of_records():
    kind = Label(key="y", type="regression").kind
    assert set(kind.tfma_metrics(Label(key="y", type="regression"))) == {"mean_squared_error", "mean_absolute_error"}
    assert kind.tfma_metrics(Label(key="y", type="regression", shape=(2,))) == {}
    assert kind.tfma_metrics(Label(key="y", type="regression", per_step=True)) == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": ("a", "b")}, "a regression label cannot have classes"),
        ({"dtype": "string"}, "a regression label is a number"),
        ({"sampled_softmax": 3}, "sampled_softmax is for classification, not for regression"),
    ],
)
def test_what_is_about_classes_is_an_error(fields, words):
    with pytest.raises(ValueError, match=words):
        Label(key="y", type="regression", **fields)


def test_a_forecast_is_stored_unless_it_is_cut_out_of_its_series():
    stored = Label(key="future", type="forecast", horizon=3, target="x")
    cut_out = Label(key="x", type="forecast", horizon=3, target="x")
    assert (stored.is_cut_out, cut_out.is_cut_out) == (False, True)
    assert stored.kind.from_windows and not Label(key="x").kind.from_windows
    assert (stored.shape, stored.dtype) == ((3,), "float32")
    assert stored.kind.fix_of_dtype(stored, "string", "sales", "label") == "Store numbers as sales."
