"""Losses and measures that a label names are those of its kind, or paths of functions."""

import pydantic
import pytest

from tfx_sequences.schemas.kinds.losses_and_measures import number_in
from tfx_sequences.schemas.spec.label import Label


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"loss": "focall"}, r"'focall' is not a loss of classification\. Did you mean 'focal'"),
        ({"loss": "huber"}, r"not a loss of classification.*cross_entropy, focal"),
        ({"type": "regression", "loss": "huber", "loss_options": {"gamma": 1}}, "huber does not have .* 'gamma'"),
        ({"loss_options": {"gamma": 1}}, "parameters of `loss`, which is not set"),
        ({"loss": "my.loss", "loss_options": {"gamma": 1}}, "set them within your own function"),
        ({"loss": "my.loss", "class_weights": "balanced"}, r"class_weights is not used .*compute it in my\.loss"),
        ({"loss": "focal", "label_smoothing": 0.1}, "focal loss cannot be combined"),
        ({"type": "forecast", "horizon": 3, "target": "x", "loss": "huber"}, r"`forecast\.loss`"),
        ({"measures": ["macro_f2"]}, r"'macro_f2' is not a further metric .*Did you mean 'macro_f1'"),
        ({"measures": ["top_0_accuracy"]}, "top_0_accuracy"),
        ({"measures": ["macro_f1"], "sampled_softmax": 9}, "macro_f1"),
        ({"measures": ["mrr", "mrr"]}, "'mrr' occurs twice"),
        ({"own_measures": {"accuracy": "my.errors.rate"}}, "'accuracy' occurs twice: each label has accuracy"),
        ({"own_measures": {"rate": "rate"}}, "'rate' needs the path of a function"),
        ({"own_measures": {"a rate": "my.errors.rate"}}, "letters, digits and underscores"),
    ],
)
def test_what_a_label_cannot_have_is_refused(fields, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        Label(key="y", **fields)


def test_metrics_are_the_usual_ones_then_the_further_ones():
    label = Label(key="y", measures=["top_5_accuracy", "recall@20", "mrr"], own_measures={"rate": "my.errors.rate"})
    assert label.metrics == ("accuracy", "loss", "auc", "top_5_accuracy", "recall@20", "mrr", "rate")


def test_a_number_in_a_name_is_whole_and_positive():
    assert number_in("recall@100", "recall@K") == 100
    assert [number_in(name, "recall@K") for name in ("recall@0", "recall@01", "recall@x", "recall@")] == [None] * 4
