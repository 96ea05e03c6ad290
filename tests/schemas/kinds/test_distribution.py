"""Labels that are a distribution: what they are in a spec."""

import pytest

from tfx_sequences.schemas.spec.label import Label


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "needs `shape: "),
        ({"shape": (2, 2)}, r"the shape of a label is \[number of values\]"),
        ({"shape": (3,), "classes": ("a", "b")}, "classes has 2 names for a vector of length 3"),
        ({"shape": (3,), "class_weights": "balanced"}, "class_weights is for labels with a single class"),
        ({"shape": (3,), "sampled_softmax": 2}, "sampled_softmax is for labels with a single class"),
        ({"shape": (3,), "dtype": "string"}, "a vector of numbers"),
    ],
)
def test_what_cannot_be_declared(fields, told):
    with pytest.raises(ValueError, match=told):
        Label(key="y", type="distribution", **fields)


def label_of(**fields):
    return Label(key="y", type="distribution", **{"shape": (3,), **fields})


def test_classes_are_the_positions_of_the_vector_unless_named():
    assert label_of().given_classes == ("0", "1", "2")
    assert label_of(classes=("a", "b", "c")).given_classes == ("a", "b", "c")


@pytest.mark.parametrize("dtype", [None, "int64"])
def test_targets_are_vectors_of_floats_and_no_single_class(dtype):
    label = label_of(dtype=dtype)
    assert label.kind.target_dtype(label) == "float32"
    assert label.is_vector and not label.kind.has_one_class
    assert tuple(label.metrics) == ("loss", "accuracy")
