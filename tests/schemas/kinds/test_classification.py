import numpy as np
import pytest

from tfx_sequences.schemas.spec.label import Label


def test_a_row_names_the_predicted_class_and_the_scores_by_class():
    label = Label(key="y")
    answers = {
        "scores": np.array([0.25, 0.75]),
        "classes": np.array([b"no", b"yes"], object),
        "predicted_class": b"yes",
    }
    assert label.kind.row(label, answers) == {"predicted_class": "yes", "scores": {"no": 0.25, "yes": 0.75}}


def test_a_row_of_steps_has_a_list_of_each():
    label = Label(key="y", per_step=True)
    answers = {
        "scores": np.array([[0.25, 0.75], [1.0, 0.0]]),
        "classes": np.array([b"no", b"yes"], object),
        "predicted_class": np.array([b"yes", b"no"], object),
    }
    assert label.kind.row(label, answers) == {
        "predicted_class": ["yes", "no"],
        "scores": [{"no": 0.25, "yes": 0.75}, {"no": 1.0, "yes": 0.0}],
    }
    nothing = {**answers, "scores": np.zeros((0, 2)), "predicted_class": np.array([], object)}
    assert label.kind.row(label, nothing) == {"predicted_class": [], "scores": []}


def test_what_it_is_measured_by():
    assert Label(key="y").metrics == ("accuracy", "loss", "auc")
    assert Label(key="y", sampled_softmax=5).metrics == ("accuracy", "loss")
    spans = ("span_f1", "span_precision", "span_recall")
    assert Label(key="y", per_step=True).metrics == ("accuracy", "loss", "auc", *spans)


def test_tfma_measures_records_and_the_curves_of_many_classes_are_not_drawn():
    label = Label(key="y")
    assert set(label.kind.tfma_metrics(label)) == {"accuracy", "loss"}
    assert label.kind.plots(label) == ("curves", "confusion")
    assert label.kind.tfma_metrics(Label(key="y", per_step=True)) == {}
    assert label.kind.plots(Label(key="y", sampled_softmax=5)) == ()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": ("a",)}, "at least 2 classes"),
        ({"classes": ("a", "a")}, "a class twice"),
        ({"classes": ("a", "b"), "dtype": "int64"}, "must contain values of dtype int64"),
        ({"dtype": "float32"}, "must be a string or an int64, not float32"),
        ({"horizon": 3}, "horizon is for labels of `type: forecast`"),
    ],
)
def test_what_does_not_fit_is_an_error(fields, words):
    with pytest.raises(ValueError, match=words):
        Label(key="y", **fields)
