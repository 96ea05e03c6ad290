"""Records of the other protocol buffer among those that a spec declares.

`tf.Example` and `tf.SequenceExample` begin with the same fields, so each parses as the other, but without any step.
"""

from __future__ import annotations

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.places import place
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def refuse_other_kind(batch: Batch, spec: SequenceSpec) -> None:
    """Checks a parsed batch; only records without steps are looked at one by one.

    Args:
        batch: The batch, after `parse_batch`.
        spec: The spec.

    Raises:
        DataError: A record is a `tf.Example` among `tf.SequenceExample` records, or the other way round.
    """
    from tensorflow.core.example import example_pb2

    features = raw_features(spec)
    of_steps = [feature for feature in features if feature.is_sequence]
    if not of_steps:
        return
    steps = sum(np.diff(batch.rows[feature.tensor_name].splits[0]) for feature in of_steps)
    keys = {feature.key for feature in of_steps} - {feature.key for feature in features if not feature.is_sequence}
    for index in np.flatnonzero(np.asarray(steps) == 0).tolist():
        message = example_pb2.SequenceExample.FromString(batch.records[index])
        if spec.payload == "Example":
            found, other = sorted(message.feature_lists.feature_list), "SequenceExample"
            received = f"a tf.SequenceExample with the feature lists {shortened(found)}"
        else:
            found, other = sorted(keys & set(message.context.feature)), "Example"
            received = f"a tf.Example: {shortened(found)} among the plain features"
        if found:
            where = place(*batch.place(index, spec))
            raise DataError(
                f"{where[0].upper()}{where[1:]} is a tf.{other}.",
                expected=f"tf.{spec.payload}, as the spec and the other records have it",
                received=received,
                fix=f"Convert the record to tf.{spec.payload}, or remove it.",
            )
