"""Names of parsed features."""

import itertools

from tfx_sequences.schemas.columns.names import raw_name, weights_name


def test_two_features_never_have_one_name():
    keys = ["y", "sequence.y", "context.y", "context.sequence.y", "sequence.sequence.y"]
    names = [raw_name(key, of_steps=of_steps) for key, of_steps in itertools.product(keys, (True, False))]
    assert len(set(names)) == len(names) == 10


def test_weights_belong_to_a_feature():
    assert weights_name("context.genres") == "context.genres.weights"
