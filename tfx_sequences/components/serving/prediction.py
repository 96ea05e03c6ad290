"""Predictions of record files with an exported model; needs TensorFlow only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from tfx_sequences.components.records import files as record_files
from tfx_sequences.components.records.opening import record_dataset
from tfx_sequences.components.records.paths import AnyPath, path_of
from tfx_sequences.components.serving.loaded_model import LoadedModel, load_model
from tfx_sequences.components.serving.predictor import Failure, predict_batch
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def predict_files(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    limit: int | None = None,
    batch_size: int = 256,
    on_failure: Callable[[Failure], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts records in the order of the files, a batch at a time.

    Model and files are checked before this returns; with a `limit`, each file when
    its turn comes.

    Args:
        model: See `find_model`.
        data: A TFRecord file, or a folder of them; local, or a URI that TensorFlow reads.
        limit: At most so many records.
        batch_size: Records per call of the model.
        on_failure: Told of each record that has no prediction, and is left out; None raises at the first.

    Returns:
        Per record: `id` (the spec's `id_key`, else file name and index), and `predicted_class`
        (`predicted_classes` of a multi_label: those of at least one half) with `scores` by class, or
        `prediction`; of steps lists of them, one for each real step. Of several labels, these by
        the label's name.

    Raises:
        UserInputError: No such model, or no record files.
        DataError: A file or record cannot be read.
    """
    loaded = load_model(model)
    files = list_record_files(data)
    if limit is None:
        # Better told before the first prediction than after an hour of them.
        for file in files:
            check_file(file, loaded.spec, skip_malformed=on_failure is not None)
    return _predictions(loaded, files, limit, batch_size, on_failure)


def _predictions(
    model: LoadedModel,
    files: list[AnyPath],
    limit: int | None,
    batch_size: int,
    on_failure: Callable[[Failure], None] | None,
) -> Iterator[dict[str, Any]]:
    left = limit
    for file in files:
        if left == 0:
            return
        if left is not None:
            check_file(file, model.spec, skip_malformed=on_failure is not None)
        done = 0
        for batch in record_dataset(file).batch(batch_size):
            if left is not None:
                batch = batch[:left]
                left -= int(batch.shape[0])
            if not batch.shape[0]:
                return
            yield from predict_batch(model, batch, file, done, on_failure)
            done += int(batch.shape[0])


def list_record_files(data: str | os.PathLike[str]) -> list[AnyPath]:
    """The record files meant by `data`, a file or a folder, sorted.

    Raises:
        UserInputError: There are none.
    """
    data = path_of(data)
    if data.is_file():
        return [data]
    files = record_files.list_record_files(data)
    if not files:
        raise UserInputError(
            f"There are no records in {data}.",
            expected="a TFRecord file, or a folder with files that have 'tfrecord' in their names",
            received="an existing folder without such files" if data.is_dir() else "no such file or folder",
            fix="Mend the path.",
        )
    return files


def check_file(file: AnyPath, spec: SequenceSpec, *, skip_malformed: bool = False) -> None:
    """Raises `DataError` if the file is broken, or its first records are of another kind than the spec's."""
    from tfx_sequences.components.records.data_check import check_first_records

    record_files.check_framing(file)
    check_first_records(file, spec, skip_malformed=skip_malformed)
