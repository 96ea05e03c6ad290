"""Records of the other protocol buffer among those that a spec declares.

`tf.Example` and `tf.SequenceExample` begin with the same fields, so each parses as the other, but without any step.
"""

from __future__ import annotations

import os
from typing import Literal

import numpy as np

from tfx_sequences.components.records.batches import Batch
from tfx_sequences.components.records.opening import holds_example_lists, record_dataset
from tfx_sequences.components.records.places import place
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.features.raw_features import raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# A SequenceExample can lack all its lists; not all of the first ones will.
_LOOKED_AT = 100


def kind_of_records(path: str | os.PathLike[str]) -> Literal["SequenceExample", "Example", "ELWC"]:
    """The protocol buffer type of the records of a file, as in the spec's `record`.

    Args:
        path: A TFRecord file.

    Raises:
        DataError: The file cannot be read, or its records are not of these types.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.example import example_pb2

    if holds_example_lists(path):
        return "ELWC"
    for record in record_dataset(path).take(_LOOKED_AT).as_numpy_iterator():
        try:
            message = example_pb2.SequenceExample.FromString(record)
        except DecodeError:
            raise DataError(
                f"The first records of {path} are not of a known type.",
                expected="tf.SequenceExample, tf.Example or ExampleListWithContext",
                received=f"{len(record)} bytes: {shortened([repr(record[:20])])}",
                fix="Convert the records.",
            ) from None
        if message.feature_lists.feature_list:
            return "SequenceExample"
    return "Example"


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
