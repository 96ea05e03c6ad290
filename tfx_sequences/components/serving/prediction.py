"""Predictions of record files with an exported model; needs TensorFlow only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tfx_sequences.components.records import files as record_files
from tfx_sequences.components.serving.model_card import MODEL_CARD, read_card, spec_of_card
from tfx_sequences.components.serving.predictor import Failure, Predictor
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def find_model(path: str | Path) -> Path:
    """The SavedModel folder meant by `path`.

    Args:
        path: The folder itself, a folder of numbered versions (the newest counts),
            or the output folder of a run.

    Raises:
        UserInputError: There is no model of ours.
    """
    path = Path(path)
    for folder in (path, path / "pushed_model"):
        versions = [v for v in folder.glob("*/saved_model.pb") if v.parent.name.isdigit()]
        candidates = [folder, *sorted((v.parent for v in versions), key=lambda v: int(v.name), reverse=True)]
        for candidate in candidates:
            if (candidate / "saved_model.pb").is_file() and (candidate / MODEL_CARD).is_file():
                return candidate
    foreign = (path / "saved_model.pb").is_file()
    raise UserInputError(
        f"There is no model of tfx-sequences in {path}.",
        expected=f"a folder with saved_model.pb and {MODEL_CARD}, of versions of such, or a run's output folder",
        received="a SavedModel that this package did not export"
        if foreign
        else "such a folder without a model"
        if path.is_dir()
        else "no such folder",
        fix="Give the folder that 'tfx-sequences run' named as the pushed model.",
    )


def model_spec(model_dir: Path) -> SequenceSpec:
    """The spec the model was trained with, from its card.

    Raises:
        UserInputError: The card is damaged, of another model, or of another version.
    """
    return spec_of_card(read_card(model_dir), model_dir)


def predict_files(
    model: str | Path,
    data: str | Path,
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
        data: A TFRecord file, or a folder of them.
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
    model_dir = find_model(model)
    spec = model_spec(model_dir)
    files = list_record_files(data)
    if limit is None:
        # Better told before the first prediction than after an hour of them.
        for file in files:
            check_file(file, spec, skip_malformed=on_failure is not None)
    return _predictions(model_dir, spec, files, limit, batch_size, on_failure)


def _predictions(
    model_dir: Path,
    spec: SequenceSpec,
    files: list[Path],
    limit: int | None,
    batch_size: int,
    on_failure: Callable[[Failure], None] | None,
) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    predictor = Predictor(model_dir, spec)
    left = limit
    for file in files:
        if left == 0:
            return
        if left is not None:
            check_file(file, spec, skip_malformed=on_failure is not None)
        compression = "GZIP" if file.suffix.lower() == ".gz" else ""
        done = 0
        for batch in tf.data.TFRecordDataset([str(file)], compression_type=compression).batch(batch_size):
            if left is not None:
                batch = batch[:left]
                left -= int(batch.shape[0])
            if not batch.shape[0]:
                return
            yield from predictor.predict(batch, file, done, on_failure)
            done += int(batch.shape[0])


def list_record_files(data: str | Path) -> list[Path]:
    """The record files meant by `data`, a file or a folder, sorted.

    Raises:
        UserInputError: There are none.
    """
    data = Path(data)
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


def check_file(file: Path, spec: SequenceSpec, *, skip_malformed: bool = False) -> None:
    """Raises `DataError` if the file is broken, or its first records are of another kind than the spec's."""
    from tfx_sequences.components.records.data_check import check_first_records

    record_files.check_framing(file)
    check_first_records(file, spec, skip_malformed=skip_malformed)
