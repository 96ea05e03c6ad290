"""Predictions for record files with an exported model; needs only TensorFlow."""

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
from tfx_sequences.schemas.features.raw_features import key_of_items
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def predict_files(
    model: str | os.PathLike[str],
    data: str | os.PathLike[str],
    *,
    limit: int | None = None,
    batch_size: int = 256,
    on_failure: Callable[[Failure], None] | None = None,
    top_k: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Predicts records in the order of the files, a batch at a time.

    The model and the files are checked before this returns; with a `limit`, each file is checked
    when it is reached.

    Args:
        model: See `find_model`.
        data: A TFRecord file, or a folder of them; local, or a URI that TensorFlow reads.
        limit: Maximum number of records.
        batch_size: Records per call of the model.
        on_failure: Called for each record that cannot be predicted and is skipped; None raises at the first.
        top_k: How many classes have their scores in a row, the most likely ones first; 0 for none, None for all in the
            order of the classes.

    Returns:
        Per record: `id` (the spec's `id_key`, otherwise file name and index), and `predicted_class`
        (for a multi_label `predicted_classes`: those with a score of at least 0.5) with `scores` by class, or
        `prediction`. For steps these are lists, with one element per real step. With several labels,
        these are grouped by the label's name.

    Raises:
        UserInputError: The model or the record files do not exist.
        DataError: A file or record cannot be read.
    """
    loaded = load_model(model)
    files = list_record_files(data)
    if limit is None:
        # Better to fail before the first prediction than after an hour of them.
        for file in files:
            check_file(file, loaded.spec, skip_malformed=on_failure is not None)
    return _predictions(loaded, files, limit, batch_size, on_failure, top_k)


def _predictions(
    model: LoadedModel,
    files: list[AnyPath],
    limit: int | None,
    batch_size: int,
    on_failure: Callable[[Failure], None] | None,
    top_k: int | None,
) -> Iterator[dict[str, Any]]:
    left = limit
    for file in files:
        if left == 0:
            return
        if left is not None:
            check_file(file, model.spec, skip_malformed=on_failure is not None)
        done = 0
        for batch in record_dataset(file, key_of_items(model.spec)).batch(batch_size):
            if left is not None:
                batch = batch[:left]
                left -= int(batch.shape[0])
            if not batch.shape[0]:
                return
            yield from predict_batch(model, batch, file, done, on_failure, top_k)
            done += int(batch.shape[0])


def list_record_files(data: str | os.PathLike[str]) -> list[AnyPath]:
    """The record files in `data`, which is a file or a folder, sorted.

    Raises:
        UserInputError: There are no record files.
    """
    data = path_of(data)
    if data.is_file():
        return [data]
    files = record_files.list_record_files(data)
    if not files:
        raise UserInputError(
            f"There are no records in {data}.",
            expected="a TFRecord file, or a folder of files with 'tfrecord' in their names",
            received="a folder without such files" if data.is_dir() else "no such file or folder",
            fix="Correct the path.",
        )
    return files


def check_file(file: AnyPath, spec: SequenceSpec, *, skip_malformed: bool = False) -> None:
    """Raises `DataError` if the file is corrupt, or its first records do not have the spec's type."""
    from tfx_sequences.components.records.data_check import check_first_records

    record_files.check_framing(file)
    check_first_records(file, spec, skip_malformed=skip_malformed)
