"""Names and shapes of the tensors of a request."""

import pytest

from tfx_sequences.schemas.features.request_inputs import needs_lengths, request_inputs, why_no_examples
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUMBER = {"type": "numeric", "default_value": 0.0}
SEVERAL = {"type": "categorical", "multi_valued": True}


def spec_of(context, sequence):
    return SequenceSpec(name="s", context=context, sequence=sequence, label={"key": "y"})


def test_a_key_in_context_and_steps_has_two_names_and_odd_keys_have_plain_ones():
    context = {"x": NUMBER, "a b": NUMBER, "self": NUMBER, "7": NUMBER}
    inputs = request_inputs(spec_of(context, {"x": NUMBER, "a-b": NUMBER}))
    assert {name: given.feature.tensor_name for name, given in inputs.items()} == {
        "context_a_b": "a b",
        "context_self": "self",
        "context_x": "x",
        "sequence_a_b": "sequence.a-b",
        "sequence_x": "sequence.x",
        "x_7": "7",
    }


def test_names_that_stay_equal_are_numbered():
    inputs = request_inputs(spec_of({"a b": NUMBER, "a-b": NUMBER, "context_a_b": NUMBER}, {"x": NUMBER}))
    assert sorted(inputs) == ["context_a_b", "context_a_b_2", "context_a_b_3", "x"]
    assert inputs["context_a_b"].feature.key == "context_a_b"


def test_shapes_are_padded_batches():
    vector = {"type": "numeric", "shape": (2, 3), "default_value": 0.0}
    inputs = request_inputs(spec_of({"v": vector, "tags": SEVERAL}, {"x": NUMBER, "w": vector, "genres": SEVERAL}))
    assert {name: given.shape for name, given in inputs.items()} == {
        "v": (None, 2, 3),
        "tags": (None, None),
        "x": (None, None),
        "w": (None, None, 2, 3),
        "genres": (None, None, None),
    }


@pytest.mark.parametrize(
    ("context", "sequence", "reason"),
    [
        ({"x": NUMBER}, {"y": NUMBER}, None),
        ({"tags": SEVERAL}, {"y": NUMBER}, None),
        ({}, {"genres": SEVERAL}, "'genres' has any number of values per step"),
        ({"x": NUMBER}, {"x": NUMBER}, "'x' is a context and a sequence feature"),
    ],
)
def test_a_flat_list_cannot_hold_everything(context, sequence, reason):
    found = why_no_examples(spec_of(context, sequence))
    assert found is None if reason is None else found.startswith(reason)


def test_text_of_the_context_has_no_steps_yet():
    assert needs_lengths(spec_of({}, {"x": NUMBER}))
    assert not needs_lengths(spec_of({}, {"review": {"type": "text"}}))
