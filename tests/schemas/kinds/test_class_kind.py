"""Labels that are classes: dtypes that follow from the fields, and fields that contradict each other."""

import numpy as np
import pydantic
import pytest

from tfx_sequences.schemas.kinds.class_kind import scores_by_class
from tfx_sequences.schemas.spec.label import Label


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ({}, "string"),
        ({"classes": ("a", "b")}, "string"),
        ({"classes": (1, 2)}, "int64"),
        ({"type": "multi_label", "shape": (3,)}, "float32"),
        ({"dtype": "int64"}, "int64"),
    ],
)
def test_the_dtype_follows_from_classes_and_shape(fields, dtype):
    assert Label(key="y", **fields).dtype == dtype


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": ()}, "at least 2 classes"),
        ({"type": "multi_label", "classes": ()}, "classes is empty"),
        ({"classes": ("a", "a")}, "a class twice"),
        ({"classes": ("a", "b"), "dtype": "int64"}, "must contain values of dtype int64"),
        ({"dtype": "float32"}, "not float32"),
        ({"type": "multi_label", "dtype": "float32"}, "a vector of zeros and ones needs `shape`"),
        ({"shape": (2,)}, "is a single class"),
        ({"classes": ("good", "bad"), "class_weights": {"god": 2.0}}, "'god' is not a class. Did you mean 'good'"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        Label(key="y", **fields)


def test_scores_go_by_the_names_of_classes():
    answers = {"classes": [b"good", "schön".encode()], "scores": np.array([0.25, 0.75])}
    assert scores_by_class(answers) == {"good": 0.25, "schön": 0.75}
    assert list(scores_by_class(answers, 1).items()) == [("schön", 0.75)]


def test_the_highest_scores_of_each_step_come_first_and_equal_ones_in_the_order_of_the_classes():
    scores = np.array([[0.2, 0.3, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4]])
    found = scores_by_class({"classes": [b"a", b"b", b"c", b"d"], "scores": scores}, 3)
    assert [list(step.items()) for step in found] == [
        [("b", 0.3), ("d", 0.3), ("a", 0.2)],
        [("d", 0.4), ("c", 0.3), ("b", 0.2)],
    ]
    assert scores_by_class({"classes": [b"a"], "scores": np.zeros((0, 1))}, 3) == []
