"""Cross-validation of one training split: each part of the records is held back in turn.

If only few records are held back, the best epoch by them is mostly chance. The records that are held back anyway are
the first part; the others are cut from the training records, so that every record is validated once.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf

from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.temporary_names import temporary_folder

Rotation = tuple[list[str], list[str]]
"""Files of training records, and files of validation records."""


@contextlib.contextmanager
def rotations(train: Sequence[str], valid: Sequence[str], number: int) -> Iterator[list[Rotation]]:
    """The divisions of the records into training and validation records.

    Args:
        train: Files of the training records.
        valid: Files of the records that are held back.
        number: Number of divisions, including the given one.

    Yields:
        `number` divisions, the given one first. The files of the others exist as long as the context lasts, and
        always have the same names and contents.
    """
    given: Rotation = (list(train), list(valid))
    if number < 2:
        yield [given]
        return
    with temporary_folder("divisions") as folder:
        parts = [os.path.join(folder, f"part-{index + 1}-of-{number}.gz") for index in range(1, number)]
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(tf.io.TFRecordWriter(part, "GZIP")) for part in parts]
            records = (record for file in sorted(train, key=os.path.basename) for record in record_dataset(file))
            for index, record in enumerate(records):
                writers[index % len(writers)].write(record.numpy())
        others = [([*valid, *(p for p in parts if p != part)], [part]) for part in parts]
        yield [given, *others]
