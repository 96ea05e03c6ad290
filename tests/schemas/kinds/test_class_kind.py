"""Labels that are classes: dtypes that follow from the fields, and fields that contradict each other."""

import pydantic
import pytest

from tfx_sequences.schemas.kinds.class_kind import by_class
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
    assert by_class({"classes": [b"good", "schön".encode()]}, [0.25, 0.75]) == {"good": 0.25, "schön": 0.75}
