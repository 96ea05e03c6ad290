"""Crossed columns in the transform graph, against `tf.sparse.cross_hashed` step by step."""

import tensorflow as tf

from tests.records import sequence_example
from tfx_sequences.components.transform.crossed_features import transform_crossed
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

BUCKETS = 50
CROSS = {"type": "crossed", "keys": ("item", "hour"), "dtypes": {"hour": "int64"}, "hash_bucket_size": BUCKETS}
PLACE = {"type": "crossed", "keys": ("city", "plan"), "hash_bucket_size": BUCKETS}
SEVERAL = {**CROSS, "keys": ("items", "hours"), "dtypes": {"hours": "int64"}, "multi_valued": True}
SPEC = SequenceSpec(
    name="s",
    context={"place": PLACE},
    sequence={"cross": CROSS, "several": SEVERAL},
    label={"key": "y"},
)


def hashed(*values):
    """The ids of all combinations of the values of features."""
    return tf.sparse.cross_hashed([tf.sparse.from_dense([v]) for v in values], BUCKETS).values.numpy().tolist()


def test_each_step_and_each_record_has_the_ids_of_tensorflow():
    records = [
        sequence_example(
            {"city": "Oslo", "plan": "free", "y": "a"},
            {
                "item": ["a", "b", None],
                "hour": [3, None, 5],
                "items": [["p", "q"], [], ["p"]],
                "hours": [[1, 2], [1], [7]],
            },
        ),
        sequence_example({"city": "Rome", "y": "a"}, {}),
    ]
    inputs = parse_records(tf.constant([r.SerializeToString() for r in records]), SPEC)
    found = transform_crossed(inputs, SPEC)
    assert found.keys() == {"context.place", "sequence.cross", "sequence.several"}
    # A step in which a feature is missing has no id.
    assert found["sequence.cross"].to_list() == [[*hashed(["a"], [3]), -1, -1], []]
    assert found["sequence.several"].to_list() == [[hashed(["p", "q"], [1, 2]), [], hashed(["p"], [7])], []]
    assert found["context.place"].numpy()[0] == hashed(["Oslo"], ["free"])[0]
