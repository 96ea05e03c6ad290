import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, check_causality
from tfx_sequences.schemas.spec.spec_io import (
    TRANSFORM_SECTIONS,
    fingerprint,
    spec_from_json,
    spec_from_yaml,
    spec_to_json,
)


def spec_of(**changes):
    return SequenceSpec(**{"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, **changes})


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ({}, "string"),
        ({"classes": (1, 2)}, "int64"),
        ({"type": "regression"}, "float32"),
        ({"type": "multi_label"}, "string"),
        ({"type": "multi_label", "shape": (88,)}, "float32"),
    ],
)
def test_the_dtype_follows_from_the_kind(fields, dtype):
    assert Label(key="y", **fields).dtype == dtype


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"shift": 1}, "shift is for labels of steps: set `per_step: true`"),
        ({"step_weight": "w"}, "step_weight is for labels of steps"),
        ({"shape": (3,)}, "shape is for regression and multi_label"),
        ({"type": "regression", "shape": (2, 2)}, "shape of a label is"),
        ({"type": "multi_label", "dtype": "float32"}, "needs `shape`"),
        ({"type": "multi_label", "shape": (3,), "classes": ("a", "b")}, "has 2 names for a vector of length 3"),
        ({"type": "regression", "class_weights": "balanced"}, "class_weights is for labels with classes"),
        ({"type": "regression", "label_smoothing": 0.1}, "label_smoothing is for labels with classes"),
        ({"classes": ("good", "bad"), "class_weights": {"god": 1.0}}, "'god' is not a class. Did you mean 'good'?"),
        ({"type": "multi_label", "sampled_softmax": 5}, "sampled_softmax is for classification"),
        ({"sampled_softmax": 5, "label_smoothing": 0.1}, "cannot be combined with label_smoothing or class_weights"),
        ({"label_smothing": 0.1}, "Did you mean 'label_smoothing'?"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_why(fields, words):
    with pytest.raises(ValueError, match=words.replace("?", r"\?")):
        Label(key="y", **fields)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": {"a": {"key": "z"}}}, "has label and labels"),
        ({"label": None}, "needs a `label`, or `labels` by name"),
        ({"label": None, "labels": {"id": {"key": "z"}}}, "predictions use 'id' for the record"),
        ({"label": {"key": "x", "per_step": True}}, "set label.shift, to predict later steps"),
        (
            {"record": "Example", "label": {"key": "y", "type": "multi_label", "per_step": True}},
            "flat lists of a tf.Example",
        ),
        ({"batching": {"prepared": True}, "label": {"key": "y", "type": "multi_label"}}, "any number of terms"),
        (
            {"label": None, "labels": {"a": {"key": "z"}}, "evaluation": {"thresholds": {"a.acuracy": {"min": 1}}}},
            "Did you mean 'a.accuracy'",
        ),
        (
            {"record": "Example", "context": {"y": {"type": "numeric"}}, "label": {"key": "y", "per_step": True}},
            "inside",
        ),
    ],
)
def test_labels_that_do_not_fit_the_spec_are_errors(changes, words):
    with pytest.raises(ValueError, match=words):
        spec_of(**changes)


def test_a_key_may_be_a_label_of_the_record_and_of_steps():
    spec = spec_of(label=None, labels={"a": {"key": "y"}, "b": {"key": "y", "per_step": True}})
    assert [(f.tensor_name, f.role) for f in raw_features(spec)] == [
        ("y", "label"),
        ("sequence.x", "feature"),
        ("sequence.y", "label"),
    ]


NEXT = """\
name: s
sequence: {x: {type: numeric}}
label: {key: x, type: regression, per_step: true, shift: 1}
"""


def test_a_network_that_would_see_the_answer_is_refused():
    with pytest.raises(SpecError, match=r"would see the answer[\s\S]*Set model.bidirectional: false"):
        spec_from_yaml(NEXT + "model: {bidirectional: true}\n")
    with pytest.raises(SpecError, match=r"Set model.front.0.padding: causal"):
        spec_from_yaml(NEXT + "model: {bidirectional: false, front: [{type: conv1d, filters: 2, padding: same}]}\n")
    spec = spec_from_yaml(NEXT + "model: {bidirectional: false}\n")
    check_causality(spec)
    # A stage reads the spec without its model.
    assert spec_from_json(spec_to_json(spec, TRANSFORM_SECTIONS)).heads["label"].shift == 1


def test_how_a_head_is_trained_is_not_transforms_concern():
    def of_transform(**fields):
        return fingerprint(spec_of(label={"key": "y", **fields}), TRANSFORM_SECTIONS)

    assert of_transform() == of_transform(label_smoothing=0.1) == of_transform(class_weights={"a": 2.0})
    assert of_transform() != of_transform(class_weights="balanced")
