"""Predictions of an exported model for batches of serialized records; needs only TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.components.records.keys import record_id
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.places import place, short_place
from tfx_sequences.components.records.well_formed import fault_of, malformed
from tfx_sequences.components.serving.loaded_model import LoadedModel, RefusedInput, refusals
from tfx_sequences.components.serving.names import EXAMPLES, SERVING_SIGNATURE
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.columns.names import MISSING_INT, SEQUENCE_LENGTH
from tfx_sequences.schemas.kinds.declared_kind import CLASSES, PREDICTIONS, SCORES
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Failure:
    """A record that has no prediction.

    Attributes:
        place: File, index and id of the record, as text.
        reason: Why it has no prediction.
    """

    place: str
    reason: str


@dataclasses.dataclass
class Failures:
    """The number of records without a prediction, and the first ones."""

    count: int = 0
    first: list[Failure] = dataclasses.field(default_factory=list)

    def add(self, failures: list[Failure], count: int | None = None) -> None:
        """Adds failures; `count` is their number if `failures` contains only the first ones."""
        self.count += len(failures) if count is None else count
        self.first = [*self.first, *failures][:MOST_NAMED]

    def __call__(self, failure: Failure) -> None:
        self.add([failure])


MOST_NAMED = 10


def predict_batch(
    model: LoadedModel,
    batch: tf.Tensor,
    file: AnyPath,
    start: int,
    on_failure: Callable[[Failure], None] | None = None,
    top_k: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Predictions for records, in the form of `predict_files`.

    Args:
        model: The model.
        batch: Serialized records, strings `[B]`.
        file: The file they come from, for messages and names.
        start: The index of the first record in the file.
        on_failure: Called for each record that cannot be predicted and is skipped; None raises.
        top_k: As in `predict_files`.

    Raises:
        DataError: A record cannot be predicted.
    """
    spec = model.spec
    for places, outputs, ids in outputs_of(model, batch, lambda row: _place(batch, row, spec, file, start), on_failure):
        for index, row in enumerate(places):
            name = ids[index].decode("utf-8", "replace") if ids is not None else short_place(file, start + row)
            yield {"id": name, **answer(outputs, index, spec, top_k)}


def outputs_of(
    model: LoadedModel,
    batch: tf.Tensor,
    where: Callable[[int], str],
    on_failure: Callable[[Failure], None] | None = None,
) -> Iterator[tuple[list[int], dict[str, np.ndarray], Any]]:
    """The outputs of `serving_default` for records, without those that have none.

    Args:
        model: The model.
        batch: Serialized records, strings `[B]`.
        where: How messages name a record, by its index.
        on_failure: Called for each record that cannot be predicted and is skipped; None raises.

    Returns:
        Indices of records, their outputs, and their ids (None if the spec does not have ids); several times, if there
        are records without outputs.

    Raises:
        DataError: A record cannot be predicted.
    """
    import tensorflow as tf

    spec, wrong = model.spec, malformed(batch.numpy(), model.spec)
    failed: list[tuple[int, Failure]] = []

    def refuse(row: int, expected: str, reason: str, fix: str) -> None:
        place = _upper(where(row))
        if on_failure is None:
            raise DataError(f"{place} cannot be predicted.", expected=expected, received=reason, fix=fix)
        failed.append((row, Failure(place, reason)))

    good = np.flatnonzero(~wrong)
    if on_failure is None and wrong.any():
        good = good[good < int(np.argmax(wrong))]
    if len(good) or not len(wrong):
        yield from _outputs(model, tf.gather(batch, good) if wrong.any() else batch, good, refuse)
    for row in np.flatnonzero(wrong).tolist():
        fault = fault_of(batch[row].numpy(), spec)
        if fault is not None:
            refuse(row, fault.expected, f"it {fault.what}: {fault.received}", fault.fix)
    if on_failure is not None:
        for _, failure in sorted(failed, key=lambda of: of[0]):
            on_failure(failure)


def _outputs(
    model: LoadedModel, batch: tf.Tensor, rows: np.ndarray, refuse: Callable[[int, str, str, str], None]
) -> Iterator[tuple[list[int], dict[str, np.ndarray], Any]]:
    """The same as `outputs_of`, of well-formed records with these indices; `refuse` is called for those without."""
    spec = model.spec
    half = len(rows) // 2
    if half and not model.answer_fits(SERVING_SIGNATURE, {EXAMPLES: batch}):
        yield from _outputs(model, batch[:half], rows[:half], refuse)
        yield from _outputs(model, batch[half:], rows[half:], refuse)
        return
    try:
        outputs = model.call(SERVING_SIGNATURE, {EXAMPLES: batch})
        ids = _ids(batch, spec)
    except RefusedInput as error:
        if half:
            # Find the record by bisection.
            yield from _outputs(model, batch[:half], rows[:half], refuse)
            yield from _outputs(model, batch[half:], rows[half:], refuse)
            return
        expected = f"tf.{spec.payload} with the features of the spec '{spec.name}'"
        fix = "Correct or remove the invalid value; 'tfx-sequences check' says more if the records have labels."
        refuse(int(rows[0]), expected, error.reason, fix)
        return
    wrong = _not_finite(outputs, len(rows))
    for row, number in wrong.items():
        refuse(
            int(rows[row]),
            "features from which the model computes finite numbers",
            f"{number} from the model",
            "Look for NaN, infinite or very large values in the record; leave out missing values.",
        )
    if wrong:
        good = [row for row in range(len(rows)) if row not in wrong]
        outputs = {name: values[good] for name, values in outputs.items()}
        ids = None if ids is None else [ids[row] for row in good]
        rows = rows[good]
    yield rows.tolist(), outputs, ids


def _upper(place: str) -> str:
    return place[0].upper() + place[1:]


def _not_finite(outputs: dict[str, np.ndarray], rows: int) -> dict[int, Any]:
    """Values that are not finite, by row: JSON has no NaN, and they must not look like predictions."""
    wrong: dict[int, Any] = {}
    for name, numbers in outputs.items():
        if name.endswith((SCORES, PREDICTIONS)):
            flat = numbers.reshape(rows, -1) if rows else numbers.reshape(0, 1)
            for row in np.flatnonzero(~np.isfinite(flat).all(axis=1)).tolist():
                wrong.setdefault(row, flat[row][~np.isfinite(flat[row])][0])
    return wrong


def answers(outputs: dict[str, np.ndarray], spec: SequenceSpec) -> Iterator[dict[str, Any]]:
    """The rows of `predict_files` without `id`, from the outputs of `serving_default`."""
    return (answer(outputs, row, spec) for row in range(len(next(iter(outputs.values())))))


def answer(outputs: Mapping[str, np.ndarray], row: int, spec: SequenceSpec, top_k: int | None = None) -> dict[str, Any]:
    """The predictions for a record; with several heads, by their names.

    Args:
        outputs: Those of `serving_default`, `[B, ...]`.
        row: The index of the record.
        spec: The model's spec.
        top_k: As in `predict_files`.
    """
    if spec.label is not None:
        return _of_head(spec.label, outputs, row, "", top_k)
    return {head: _of_head(label, outputs, row, spec.output_prefix(head), top_k) for head, label in spec.labels.items()}


def _of_head(
    label: Label, outputs: Mapping[str, np.ndarray], row: int, prefix: str, top_k: int | None
) -> dict[str, Any]:
    answers = {name: outputs[prefix + name][row] for name in label.kind.outputs}
    if label.per_step:
        real = int(outputs[SEQUENCE_LENGTH][row])
        answers = {name: its if name == CLASSES else its[:real] for name, its in answers.items()}
    return label.kind.row(label, answers, top_k)


def _place(batch: tf.Tensor, row: int, spec: SequenceSpec, file: AnyPath, start: int) -> str:
    return place(file, start + row, record_id(batch[row].numpy(), spec))


def _ids(batch: tf.Tensor, spec: SequenceSpec) -> Any:
    import tensorflow as tf

    if not spec.id_key:
        return None
    is_text = spec.id_dtype == "string"
    feature = {spec.id_key: tf.io.FixedLenFeature([], tf.as_dtype(spec.id_dtype), "" if is_text else MISSING_INT)}
    with refusals():
        if spec.record == "Example":
            parsed = tf.io.parse_example(batch, feature)
        else:
            parsed, _, _ = tf.io.parse_sequence_example(batch, feature)
        ids = parsed[spec.id_key].numpy()
    return ids if is_text else [b"" if number == MISSING_INT else str(number).encode() for number in ids.tolist()]
