"""Predictions of record files with an exported model; needs TensorFlow only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.components import record_files, record_keys
from tfx_sequences.components.graph_messages import without_graph
from tfx_sequences.components.model_card import MODEL_CARD, read_card, spec_of_card
from tfx_sequences.errors import DataError, UserInputError
from tfx_sequences.schemas.label import Label
from tfx_sequences.schemas.spec import SequenceSpec

if TYPE_CHECKING:
    import tensorflow as tf


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
    model: str | Path, data: str | Path, *, limit: int | None = None, batch_size: int = 256
) -> Iterator[dict[str, Any]]:
    """Predicts records in the order of the files, a batch at a time.

    Model and files are checked before this returns; with a `limit`, each file when
    its turn comes.

    Args:
        model: See `find_model`.
        data: A TFRecord file, or a folder of them.
        limit: At most so many records.
        batch_size: Records per call of the model.

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
            _check_file(file, spec)
    return _predictions(model_dir, spec, files, limit, batch_size)


def _predictions(
    model_dir: Path, spec: SequenceSpec, files: list[Path], limit: int | None, batch_size: int
) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    signature = tf.saved_model.load(str(model_dir)).signatures["serving_default"]
    left = limit
    for file in files:
        if left == 0:
            return
        if left is not None:
            _check_file(file, spec)
        compression = "GZIP" if file.suffix.lower() == ".gz" else ""
        done = 0
        for batch in tf.data.TFRecordDataset([str(file)], compression_type=compression).batch(batch_size):
            if left is not None:
                batch = batch[:left]
                left -= int(batch.shape[0])
            if not batch.shape[0]:
                return
            yield from _predict(signature, batch, spec, file, done)
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


def _check_file(file: Path, spec: SequenceSpec) -> None:
    """Raises `DataError` if the file is broken, or its first records are of another kind than the spec's."""
    from tfx_sequences.components.data_check import check_first_records

    record_files.check_framing(file)
    check_first_records(file, spec)


def _predict(signature: Any, batch: tf.Tensor, spec: SequenceSpec, file: Path, start: int) -> Iterator[dict[str, Any]]:
    import tensorflow as tf

    try:
        outputs = {name: value.numpy() for name, value in signature(examples=batch).items()}
        ids = _ids(batch, spec)
    # TensorFlow quotes the bytes of a record in its message; where they are no UTF-8, that fails in turn.
    except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
        raise _culprit(signature, batch, spec, file, start, error) from error
    _check_finite(outputs, batch, spec, file, start)
    for row in range(batch.shape[0]):
        name = ids[row].decode("utf-8", "replace") if ids is not None else f"{file.name}:{start + row}"
        yield {"id": name, **_answer(outputs, row, spec)}


def _answer(outputs: dict[str, np.ndarray], row: int, spec: SequenceSpec) -> dict[str, Any]:
    """What is predicted for a record; of several heads, by their names."""
    if spec.label is not None:
        return _of_head(spec.label, outputs, row, "")
    return {head: _of_head(label, outputs, row, spec.output_prefix(head)) for head, label in spec.labels.items()}


def _of_head(label: Label, outputs: dict[str, np.ndarray], row: int, prefix: str) -> dict[str, Any]:
    steps = slice(int(outputs["sequence_length"][row])) if label.per_step else ...
    if label.type == "regression":
        return {"prediction": outputs[f"{prefix}predictions"][row][steps].tolist()}
    classes = [c.decode() for c in outputs[f"{prefix}classes"][row]]
    scores = outputs[f"{prefix}scores"][row][steps].tolist()

    def by_class(values: list[float]) -> dict[str, float]:
        return dict(zip(classes, values, strict=True))

    if label.type == "multi_label":

        def likely(values: list[float]) -> list[str]:
            return [name for name, value in by_class(values).items() if value >= 0.5]

        predicted: dict[str, Any] = {"predicted_classes": [*map(likely, scores)] if label.per_step else likely(scores)}
    else:
        found = np.asarray(outputs[f"{prefix}predicted_class"][row])[steps]
        predicted = {"predicted_class": [c.decode() for c in found] if label.per_step else found.item().decode()}
    return {**predicted, "scores": [by_class(v) for v in scores] if label.per_step else by_class(scores)}


def _culprit(signature: Any, batch: tf.Tensor, spec: SequenceSpec, file: Path, start: int, error: Any) -> DataError:
    """Which record of a batch the model refused, found one by one."""
    import tensorflow as tf

    where = f"The records {start} to {start + int(batch.shape[0]) - 1} of {file}"
    for row in range(batch.shape[0]):
        try:
            signature(examples=batch[row : row + 1])
            _ids(batch[row : row + 1], spec)
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as own:
            where, error = _place(batch, row, spec, file, start), own
            break
    return DataError(
        f"{where} cannot be predicted.",
        expected=f"tf.{spec.record} with the features of the spec '{spec.name}'",
        received=without_graph(getattr(error, "message", str(error))),
        fix="Mend or leave out what cannot be read; 'tfx-sequences check' tells more where records have labels.",
    )


def _check_finite(outputs: dict[str, np.ndarray], batch: tf.Tensor, spec: SequenceSpec, file: Path, start: int) -> None:
    """JSON has no NaN, and a prediction that is none must not look like one."""
    for name, numbers in outputs.items():
        if not name.endswith(("scores", "predictions")):
            continue
        rows = numbers.reshape(len(numbers), -1)
        wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(wrong):
            row = rows[wrong[0]]
            raise DataError(
                f"{_place(batch, int(wrong[0]), spec, file, start)} has no finite prediction.",
                expected="finite numbers in its features, from which the model computes finite numbers",
                received=f"{row[~np.isfinite(row)][0]} from the model",
                fix="Look for NaN, infinite or enormous values in the record; leave a missing value out.",
            )


def _place(batch: tf.Tensor, row: int, spec: SequenceSpec, file: Path, start: int) -> str:
    name = record_keys.place(file, start + row, record_keys.record_id(batch[row].numpy(), spec))
    return name[0].upper() + name[1:]


def _ids(batch: tf.Tensor, spec: SequenceSpec) -> Any:
    import tensorflow as tf

    if not spec.id_key:
        return None
    feature = {spec.id_key: tf.io.FixedLenFeature([], tf.string, "")}
    if spec.record == "Example":
        return tf.io.parse_example(batch, feature)[spec.id_key].numpy()
    context, _, _ = tf.io.parse_sequence_example(batch, feature)
    return context[spec.id_key].numpy()
