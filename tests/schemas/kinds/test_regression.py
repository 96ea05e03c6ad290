"""Labels that are numbers, as declared."""

import pydantic
import pytest

from tfx_sequences.schemas.spec.label import Label


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": ("a",)}, "cannot have classes"),
        ({"dtype": "string"}, "is a number"),
        ({"class_weights": {"a": 1.0}}, "class_weights is for labels with classes"),
        ({"label_smoothing": 0.1}, "label_smoothing is for labels with classes"),
        ({"sampled_softmax": 3}, "sampled_softmax is for classification"),
        ({"horizon": 3}, "horizon is for labels of `type: forecast`"),
    ],
)
def test_fields_of_other_kinds_are_refused(fields, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        Label(key="y", type="regression", **fields)


def test_tfma_computes_its_own_metrics_for_one_number_per_record_only():
    def names(**fields):
        label = Label(key="y", type="regression", **fields)
        return set(label.kind.tfma_metrics(label))

    assert names() == {"mean_squared_error", "mean_absolute_error"}
    assert names(per_step=True) == names(shape=(2,)) == set()
