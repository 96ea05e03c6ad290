import pytest
import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import require
from tfx_sequences.errors import UserInputError


def check(value):
    require(
        value < 3, "Too much.", expected="below 3", received=lambda: [("values", value), ("words", ["a"])], fix="Less."
    )
    return value


def test_eagerly_it_is_our_error():
    check(tf.constant(2))
    with pytest.raises(UserInputError) as caught:
        check(tf.constant(7))
    assert str(caught.value).splitlines() == [
        "Too much.",
        "  expected: below 3",
        "  received: values 7; words 'a'",
        "  fix:      Less.",
    ]


def test_in_a_graph_it_runs_though_nothing_uses_it():
    graph = tf.function(check)
    graph(tf.constant(2))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Too much\. Expected: below 3\. Less\. Received"):
        graph(tf.constant(7))


def test_what_is_received_is_not_computed_while_all_is_well():
    def fail():
        raise AssertionError

    require(tf.constant(True), "", expected="", received=fail)
