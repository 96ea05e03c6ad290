"""Evaluates an exported model in one pass over record files, with TensorFlow alone.

The figures are those of the pipeline's Evaluator: both use the sums per record that the model's `evaluation_outputs`
signature computes, and the same functions of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfx_sequences.components.evaluation.baseline_check import compare_with_baseline
from tfx_sequences.components.evaluation.names import LENGTH, WHOLE, slice_name
from tfx_sequences.components.evaluation.record_sums import length_ranges_of
from tfx_sequences.components.evaluation.slice_totals import SliceTotals, Slicing
from tfx_sequences.components.records.elwc import stored_record
from tfx_sequences.components.records.framing import check_last_length
from tfx_sequences.components.records.opening import record_datasets
from tfx_sequences.components.records.well_formed import first_fault
from tfx_sequences.components.serving.loaded_model import LoadedModel, RefusedInput, load_model
from tfx_sequences.components.serving.model_card import check_model
from tfx_sequences.components.serving.names import EXAMPLES, MEASURES_SIGNATURE
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.raw_features import key_of_items, raw_features
from tfx_sequences.schemas.spec.length_ranges import ranges
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

# Records that are sorted by size, and records and bytes of a batch with padding.
_CHUNK, _RECORDS, _BYTES = 4096, 512, 1 << 22

Model = str | os.PathLike[str] | LoadedModel


def evaluate_model(
    model: Model, files: Sequence[str], spec: SequenceSpec | None = None, *, baseline: Model | None = None
) -> dict[str, Any]:
    """The metrics of an exported model on records with labels.

    Args:
        model: The model, or its folder; see `load_model`.
        files: TFRecord files of the test split.
        spec: The spec whose `evaluation` is computed; None for the one that the model was trained with.
        baseline: The last blessed model, with which this one is compared.

    Returns:
        What `read_figures` returns for the Evaluator's output. `slices`: metrics by slice and name; the slice of all
        records is `all`. `step_ranges`: metrics of per-step labels by slice and range of step positions. `baseline`:
        metrics of the baseline by slice, empty without one. `plots`: by slice and head (empty for the head of a
        `label`), `confusion` (rows `[class, predicted class, weight]`), `curve` (by threshold) and `calibration` (by
        range of scores). Also `records` and `steps`, their numbers, cut steps included.

    Raises:
        DataError: The files are empty, or the model rejects a record.
        SpecError: The model was trained with a spec that reads or labels records differently.
        UserInputError: The model cannot be found, or the baseline lacks outputs that are needed.
    """
    candidate = _loaded(model)
    before = None if baseline is None else _loaded(baseline)
    if spec is None:
        spec = candidate.spec
    else:
        check_model(candidate.card, spec, model=f"the model in {candidate.folder}")
    if before is not None:
        compare_with_baseline(str(candidate.folder), str(before.folder))
    totals, totals_before = SliceTotals(spec, candidate.card["classes"]), SliceTotals(spec, {}, only_metrics=True)
    for batch in _batches(files, spec):
        outputs = _outputs(candidate, batch)
        slicings = _slicings(batch, outputs, spec)
        totals.add(outputs, slicings)
        if before is not None:
            totals_before.add(_outputs(before, batch), slicings)
    if not totals.records:
        raise DataError(
            "The model cannot be evaluated without records.",
            expected="at least one record with a label",
            received=f"{len(files)} files without records",
            fix="Write records to the test split.",
        )
    return {
        "slices": totals.metrics(),
        "step_ranges": totals.step_ranges(),
        "baseline": totals_before.metrics(),
        "plots": totals.plots(),
        "records": totals.records,
        "steps": totals.steps,
    }


def _loaded(model: Model) -> LoadedModel:
    return model if isinstance(model, LoadedModel) else load_model(model)


def _outputs(model: LoadedModel, batch: tf.Tensor) -> dict[str, np.ndarray]:
    try:
        return model.call(MEASURES_SIGNATURE, {EXAMPLES: batch})
    except RefusedInput as error:
        raise DataError(
            "The model cannot be evaluated on these records.",
            expected=f"tf.{model.spec.payload} with the features and labels of the spec '{model.spec.name}'",
            received=error.reason,
            fix="Correct or remove the invalid value; 'tfx-sequences check' names the record.",
        ) from error


def _batches(files: Sequence[str], spec: SequenceSpec) -> Iterator[tf.Tensor]:
    """Batches of records of about equal size, so that padding is short and a batch's memory is bounded."""
    for file in files:
        check_last_length(file)
    for records in record_datasets(files):
        for chunk in records.batch(_CHUNK):
            serialized = chunk.numpy()
            if spec.record == "ELWC":
                serialized = np.array([stored_record(r, key_of_items(spec)) for r in serialized], object)
            found = first_fault(serialized, spec)
            if found is not None:
                _, fault = found
                raise DataError(
                    f"The model cannot be evaluated on these records: one of them {fault.what}.",
                    expected=fault.expected,
                    received=fault.received,
                    fix=f"{fault.fix} 'tfx-sequences check' names the record.",
                )
            sizes = np.array([len(record) for record in serialized])
            order = np.argsort(sizes, kind="stable")
            first = 0
            for last in range(1, len(order) + 1):
                rows = last - first
                if last == len(order) or rows == _RECORDS or (rows + 1) * sizes[order[last]] > _BYTES:
                    yield tf.constant(serialized[order[first:last]], tf.string)
                    first = last


def _slicings(batch: tf.Tensor, outputs: dict[str, np.ndarray], spec: SequenceSpec) -> list[Slicing]:
    """The slices of a batch: the whole, those of each feature, and those of lengths."""
    rows = np.arange(len(batch))
    found = [Slicing.of(rows, [WHOLE] * len(rows))]
    for key in spec.evaluation.slices:
        found.append(_by_feature(batch, key, spec))
    if lengths := ranges(spec.evaluation.length_slices):
        found.append(Slicing.of(rows, [slice_name(LENGTH, name) for name in length_ranges_of(outputs, lengths)]))
    return found


def _by_feature(batch: tf.Tensor, key: str, spec: SequenceSpec) -> Slicing:
    """A record belongs to the slice of each of its values."""
    dtype = next(f.dtype for f in raw_features(spec) if f.key == key and not f.is_sequence)
    feature = {key: tf.io.VarLenFeature(tf.as_dtype(dtype))}
    if spec.payload == "Example":
        parsed = tf.io.parse_example(batch, feature)
    else:
        parsed, _, _ = tf.io.parse_sequence_example(batch, feature)
    values = parsed[key].values.numpy().tolist()
    pairs = sorted(set(zip(parsed[key].indices.numpy()[:, 0].tolist(), values, strict=True)))
    return Slicing.of(np.array([row for row, _ in pairs], np.int64), [slice_name(key, value) for _, value in pairs])
