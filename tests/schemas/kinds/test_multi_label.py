import numpy as np
import pytest

from tfx_sequences.schemas.spec.label import Label


def test_a_row_names_the_classes_of_at_least_one_half():
    label = Label(key="y", type="multi_label")
    answers = {"scores": np.array([0.5, 0.25, 0.75]), "classes": np.array([b"a", b"b", b"c"], object)}
    scores = {"a": 0.5, "b": 0.25, "c": 0.75}
    assert label.kind.row(label, answers) == {"predicted_classes": ["a", "c"], "scores": scores}
    of_steps = Label(key="y", type="multi_label", per_step=True)
    answers["scores"] = answers["scores"][None]
    assert of_steps.kind.row(of_steps, answers) == {"predicted_classes": [["a", "c"]], "scores": [scores]}


def test_terms_are_looked_up_and_vectors_are_taken_as_they_are():
    terms, vector = Label(key="y", type="multi_label"), Label(key="y", type="multi_label", shape=(2,))
    assert (terms.target_dtype, terms.has_several_terms, terms.given_classes) == ("int64", True, None)
    assert (vector.target_dtype, vector.has_several_terms, vector.given_classes) == ("float32", False, ("0", "1"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"shape": (2,), "dtype": "string"}, "vector of zeros and ones"), ({"classes": ()}, "classes is empty")],
)
def test_what_does_not_fit_is_an_error(fields, words):
    with pytest.raises(ValueError, match=words):
        Label(key="y", type="multi_label", **fields)
