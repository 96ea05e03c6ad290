"""A trial's values replace the spec's own, and nothing else changes."""

import json

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec

SPEC = SequenceSpec(
    name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"}, model={"cell": "gru"}, training={"seed": 3}
)


def test_values_replace_those_of_their_sections_only():
    values = {
        "model.units": json.dumps([8, 4]),
        "model.pooling": json.dumps("max"),
        "training.learning_rate": 0.25,
    }
    tuned = tuned_spec(SPEC, values)
    assert (tuned.model.units, tuned.model.pooling, tuned.model.cell) == ((8, 4), "max", "gru")
    assert (tuned.training.learning_rate, tuned.training.seed) == (0.25, 3)
    assert tuned.sequence == SPEC.sequence and tuned.heads == SPEC.heads


def test_no_values_change_nothing():
    assert tuned_spec(SPEC, {}) == SPEC
