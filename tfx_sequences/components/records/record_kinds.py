"""Which protocol buffer the records of a file are, where no spec says it."""

from __future__ import annotations

import os
from typing import Literal

from tfx_sequences.components.records.opening import holds_example_lists, record_dataset
from tfx_sequences.errors import DataError, shortened

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
