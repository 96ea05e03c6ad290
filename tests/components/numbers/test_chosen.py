"""The choices of normalizers in a transform graph, and as lines."""

import pytest
import tensorflow as tf

from tfx_sequences.components.numbers.chosen import choice_lines, normalizers_of, read_choices, report_text

CHOICES = {
    "sequence.ä": {"normalizer": "log1p", "why": "heavy tails", "figures": {"within": 0.5}},
    "sequence.y": {"normalizer": "z_score", "why": "close to normal", "figures": {}},
    "context.z": {"normalizer": "z_score", "why": "close to normal", "figures": {}},
}


@pytest.mark.parametrize("choices", [CHOICES, {}])
def test_choices_are_found_in_the_graph(tmp_path, choices):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        others = [tf.constant("not this one"), tf.constant(3)]
        report = tf.strings.join([others[0], tf.constant(report_text(choices))])
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "graph"), {"x": others[0]}, {"report": report})
    assert read_choices(str(tmp_path / "graph")) == choices


def test_lines_name_the_unusual_ones_first():
    assert choice_lines(CHOICES) == ["sequence.ä: log1p (heavy tails)", "'sequence.y', 'context.z': z_score"]
    assert choice_lines({}) == []
    assert normalizers_of(CHOICES) == {"sequence.ä": "log1p", "sequence.y": "z_score", "context.z": "z_score"}
