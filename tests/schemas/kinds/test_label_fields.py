"""The fields of labels, before a kind reads them."""

import pydantic
import pytest

from tfx_sequences.schemas.kinds.label_fields import LabelFields


def test_a_label_of_steps_is_a_sequence_feature():
    assert LabelFields(key="y").raw_name == "y"
    assert LabelFields(key="y", per_step=True).raw_name == "sequence.y"


@pytest.mark.parametrize(("shape", "size", "is_vector"), [((), 1, False), ((1,), 1, True), ((2, 3), 6, True)])
def test_a_shape_makes_a_vector(shape, size, is_vector):
    label = LabelFields(key="y", shape=shape)
    assert (label.size, label.is_vector) == (size, is_vector)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"key": ""}, "at least 1 character"),
        ({"shift": -1}, "greater than or equal to 0"),
        ({"loss_weight": 0.0}, "greater than 0"),
        ({"loss_weight": float("inf")}, "finite"),
        ({"label_smoothing": 1.0}, "less than 1"),
        ({"class_weights": {"a": -1.0}}, "greater than or equal to 0"),
        ({"sampled_softmax": 0}, "greater than 0"),
        ({"missing_label": "drop"}, "'ignore' or 'error'"),
        ({"clases": ("a",)}, "Did you mean 'classes'"),
    ],
)
def test_values_out_of_range_are_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        LabelFields(**{"key": "y", **fields})
