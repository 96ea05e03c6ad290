"""Answers of an exported model to batches of serialized records; needs TensorFlow only."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.components.records import keys as record_keys
from tfx_sequences.components.serving.graph_messages import without_graph
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Failure:
    """A record that has no prediction.

    Attributes:
        place: File, index and id of the record, in words.
        reason: Why not.
    """

    place: str
    reason: str


@dataclasses.dataclass
class Failures:
    """How many records have no prediction, and the first of them."""

    count: int = 0
    first: list[Failure] = dataclasses.field(default_factory=list)

    def add(self, failures: list[Failure], count: int | None = None) -> None:
        """Counts more of them; `count` where `failures` are but the first."""
        self.count += len(failures) if count is None else count
        self.first = [*self.first, *failures][:MOST_NAMED]

    def __call__(self, failure: Failure) -> None:
        self.add([failure])


MOST_NAMED = 10


class Predictor:
    """A loaded model.

    Args:
        model_dir: The SavedModel.
        spec: Its spec.
    """

    def __init__(self, model_dir: Path, spec: SequenceSpec) -> None:
        import tensorflow as tf

        self._model = tf.saved_model.load(str(model_dir))
        self._signature = self._model.signatures["serving_default"]
        self._spec = spec

    def predict(
        self, batch: tf.Tensor, file: Path, start: int, on_failure: Callable[[Failure], None] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Predictions of records, as `predict_files` gives them.

        Args:
            batch: Serialized records, strings `[B]`.
            file: Where they are from, for messages and names.
            start: The index of the first of them in the file.
            on_failure: Told of each record that has no prediction, and is left out; None raises.

        Raises:
            DataError: A record cannot be predicted.
        """
        import tensorflow as tf

        try:
            outputs = {name: value.numpy() for name, value in self._signature(examples=batch).items()}
            ids = _ids(batch, self._spec)
        # TensorFlow quotes the bytes of a record in its message; where they are no UTF-8, that fails in turn.
        except (tf.errors.InvalidArgumentError, UnicodeDecodeError) as error:
            if batch.shape[0] > 1:
                # Only half by half it can be told which record it was.
                half = int(batch.shape[0]) // 2
                yield from self.predict(batch[:half], file, start, on_failure)
                yield from self.predict(batch[half:], file, start + half, on_failure)
                return
            place, reason = (
                _place(batch, 0, self._spec, file, start),
                without_graph(getattr(error, "message", str(error))),
            )
            if on_failure is None:
                raise DataError(
                    f"{place} cannot be predicted.",
                    expected=f"tf.{self._spec.record} with the features of the spec '{self._spec.name}'",
                    received=reason,
                    fix="Mend or leave out what cannot be read; 'tfx-sequences check' tells more where records have "
                    "labels.",
                ) from error
            on_failure(Failure(place, reason))
            return
        wrong = _not_finite(outputs, batch.shape[0])
        for row in range(batch.shape[0]):
            if row in wrong:
                place, reason = _place(batch, row, self._spec, file, start), f"{wrong[row]} from the model"
                if on_failure is None:
                    raise DataError(
                        f"{place} has no finite prediction.",
                        expected="finite numbers in its features, from which the model computes finite numbers",
                        received=reason,
                        fix="Look for NaN, infinite or enormous values in the record; leave a missing value out.",
                    )
                on_failure(Failure(place, reason))
                continue
            name = ids[row].decode("utf-8", "replace") if ids is not None else f"{file.name}:{start + row}"
            yield {"id": name, **_answer(outputs, row, self._spec)}


def _not_finite(outputs: dict[str, np.ndarray], rows: int) -> dict[int, Any]:
    """What is no finite number, by row: JSON has no NaN, and a prediction that is none must not look like one."""
    wrong: dict[int, Any] = {}
    for name, numbers in outputs.items():
        if name.endswith(("scores", "predictions")):
            flat = numbers.reshape(rows, -1) if rows else numbers.reshape(0, 1)
            for row in np.flatnonzero(~np.isfinite(flat).all(axis=1)).tolist():
                wrong.setdefault(row, flat[row][~np.isfinite(flat[row])][0])
    return wrong


def answers(outputs: dict[str, np.ndarray], spec: SequenceSpec) -> Iterator[dict[str, Any]]:
    """What `predict_files` says of each record but its `id`, from the outputs of `serving_default`."""
    return (_answer(outputs, row, spec) for row in range(len(next(iter(outputs.values())))))


def _answer(outputs: dict[str, np.ndarray], row: int, spec: SequenceSpec) -> dict[str, Any]:
    """What is predicted for a record; of several heads, by their names."""
    if spec.label is not None:
        return _of_head(spec.label, outputs, row, "")
    return {head: _of_head(label, outputs, row, spec.output_prefix(head)) for head, label in spec.labels.items()}


def _of_head(label: Label, outputs: dict[str, np.ndarray], row: int, prefix: str) -> dict[str, Any]:
    steps = slice(int(outputs["sequence_length"][row])) if label.per_step else ...
    if not label.has_classes:
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
