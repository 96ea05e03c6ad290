"""Turns each kind of request into the parsed features that the transform graph takes.

Serialized records of either type and padded tensors all give the same as `parse_records` for the
spec's own records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import tensorflow as tf

from tfx_sequences.components.features.runtime_checks import behind, require
from tfx_sequences.components.records.well_formed import require_well_formed
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.raw_features import RawFeature, served_features
from tfx_sequences.schemas.features.request_inputs import (
    LENGTHS_INPUT,
    MISSING,
    RequestInput,
    needs_lengths,
    request_inputs,
)
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RecordKind = Literal["SequenceExample", "Example"]
Parsed = dict[str, Any]


def from_records(serialized: tf.Tensor, spec: SequenceSpec, kind: RecordKind | None = None) -> Parsed:
    """Parses records, strings `[B]`, of the spec's type or of the type `kind`.

    Args:
        serialized: The records; `B` may be 0.
        spec: The spec; see `why_no_examples` for the specs that do not allow `tf.Example`.
        kind: Type of the records; a `tf.Example` has flat lists, so none of its steps can be missing.

    Raises:
        tf.errors.InvalidArgumentError: A record has the other type, is not well-formed, or lacks a feature.
        tf.errors.DataLossError: A record cannot be parsed.
    """
    kind = kind or spec.payload
    serialized = require_well_formed(serialized)
    parsed = parse_records(serialized, spec.model_copy(update={"record": kind}), with_label=False)
    parsed = _of_kind(serialized, parsed, spec, kind)
    if kind == spec.payload:
        return parsed
    for feature in served_features(spec):
        if feature.is_sequence:
            flat = parsed[feature.tensor_name]
            parsed[feature.tensor_name] = _inner(tf.reshape(flat.flat_values, [-1]), flat.row_splits, feature)
    return parsed


def tensor_specs(spec: SequenceSpec) -> dict[str, tf.TensorSpec]:
    """The inputs of `from_tensors`, by name.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> tensor_specs(load_spec("japanese_vowels"))["lpc"]
    TensorSpec(shape=(None, None, 12), dtype=tf.float32, name='lpc')
    """
    specs = {
        name: tf.TensorSpec(given.shape, tf.as_dtype(given.feature.dtype), name=name)
        for name, given in request_inputs(spec).items()
    }
    if needs_lengths(spec):
        specs[LENGTHS_INPUT] = tf.TensorSpec([None], tf.int64, name=LENGTHS_INPUT)
    return specs


def from_tensors(inputs: Mapping[str, tf.Tensor], spec: SequenceSpec) -> Parsed:
    """The parsed features for padded tensors.

    A value is missing if its tensor holds `""`, the least int64, or NaN; a feature without rows is missing from every
    record, and from all steps. In a multi-valued feature, marked values are dropped. A list with timestamps has as
    many steps as timestamps that are not missing.

    Args:
        inputs: As in `tensor_specs`: context `[B, *shape]`, sequences `[B, T, *shape]` of any `T`, padded on the
            right, and `sequence_length` int64 `[B]`.
        spec: The spec.

    Raises:
        tf.errors.InvalidArgumentError: Shapes or lengths do not match, or a required feature is missing.
    """
    given = request_inputs(spec)
    lengths = inputs.get(LENGTHS_INPUT)
    shaped = {name: _shaped(inputs[name], its) for name, its in given.items()}
    sizes_of = {name: tf.shape(values, tf.int64)[0] for name, values in shaped.items()}
    sizes = tf.stack([*sizes_of.values()])
    rows = tf.reduce_max(sizes) if lengths is None else tf.size(lengths, tf.int64)
    checks = [
        _require_all(
            (sizes == rows) | (sizes == 0),
            "Inputs have different numbers of rows.",
            expected=f"as many rows as {'the other inputs have' if lengths is None else repr(LENGTHS_INPUT)}, or no "
            "rows",
            names=[*shaped],
            received=sizes,
            of_batch=rows,
        )
    ]
    steps = {
        name: tf.shape(shaped[name], tf.int64)[1]
        for name, its in given.items()
        if its.feature.is_sequence and not its.feature.clock
    }
    if lengths is not None:
        longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))
        checks += [
            require(
                tf.reduce_all(lengths >= 0),
                f"Input '{LENGTHS_INPUT}' is negative.",
                expected="the number of steps of each row",
                received=lambda: [(LENGTHS_INPUT, lengths)],
            ),
            _require_all(
                (longest <= tf.stack([*steps.values()])) | (tf.stack([sizes_of[name] for name in steps]) == 0),
                f"Inputs have fewer steps than '{LENGTHS_INPUT}' says.",
                expected="[B, T, ...] with T at least the greatest length",
                names=[*steps],
                received=tf.stack([*steps.values()]),
                of_batch=longest,
            ),
        ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        filled = {name: _filled(values, given[name], rows, lengths) for name, values in shaped.items()}
    by_clock = {"": lengths} | {
        its.feature.clock: tf.reduce_sum(tf.cast(~_missing(filled[name], its.feature), tf.int64), axis=1)
        for name, its in given.items()
        if its.feature.is_sequence and its.feature.key == its.feature.clock
    }
    parsed: Parsed = {}
    for name, its in given.items():
        feature, values = its.feature, filled[name]
        if feature.is_sequence:
            parsed[feature.tensor_name] = _steps(values, by_clock[feature.clock], name, feature, spec.record)
        else:
            parsed[feature.tensor_name] = _context(values, name, feature)
    return parsed


def _shaped(values: tf.Tensor, given: RequestInput) -> tf.Tensor:
    """The input with all its dimensions, because a model server may pass `[]` with shape `[0]`."""
    shape = tf.shape(values, tf.int64)
    rows, dims, at = shape[0], [], 1
    if given.feature.is_sequence:
        # For shape `[0]` no dimension is left here, and the product is 1.
        dims.append(tf.reduce_prod(shape[1:2]) * tf.cast(rows > 0, tf.int64))
        at = 2
    dims += [tf.constant(size, tf.int64) for size in given.feature.shape]
    if given.feature.multi_valued:
        dims.append(tf.reduce_prod(shape[at : at + 1]))
    return tf.ensure_shape(tf.reshape(values, tf.stack([rows, *dims])), given.shape)


def _filled(values: tf.Tensor, given: RequestInput, rows: tf.Tensor, lengths: Any) -> tf.Tensor:
    """An input that is left out, with `rows` rows of nothing."""
    shape = tf.shape(values, tf.int64)
    extra = tf.where(shape[0] == 0, rows, 0)
    if given.feature.is_sequence and not given.feature.clock and lengths is not None:
        longest = tf.reduce_max(tf.concat([lengths, [0]], axis=0))
        steps = tf.where(shape[0] == 0, longest, shape[1])
        shape = tf.concat([shape[:1], [steps], shape[2:]], axis=0)
        # Without any rows, it may have any number of steps.
        values = tf.reshape(values, shape)
    dtype = given.feature.dtype
    nothing = tf.fill(tf.concat([[extra], shape[1:]], axis=0), tf.constant(MISSING[dtype], dtype))
    return tf.ensure_shape(tf.concat([values, nothing], axis=0), given.shape)


def _require_all(
    right: tf.Tensor, what: str, *, expected: str, names: list[str], received: tf.Tensor, of_batch: tf.Tensor
) -> Any:
    """`require` for a condition on each of several inputs; names the inputs that violate it."""

    def told() -> list[tuple[str, tf.Tensor]]:
        wrong = tf.logical_not(right)
        return [
            ("inputs", tf.boolean_mask(tf.constant(names), wrong)),
            ("with", tf.boolean_mask(received, wrong)),
            ("of the batch", of_batch),
        ]

    return require(tf.reduce_all(right), what, expected=expected, received=told)


def _context(values: tf.Tensor, name: str, feature: RawFeature) -> Any:
    if feature.multi_valued:
        return _present_only(values, feature.dtype)
    missing = _missing(values, feature)
    if feature.default is None:
        check = require(
            tf.logical_not(tf.reduce_any(missing)),
            f"Input '{name}' is missing.",
            expected="a value in every row, because the feature has no default",
            received=lambda: [("no value in rows", tf.where(missing)[:, 0])],
            fix="Add it, or set default_value in the spec and train again.",
        )
        with behind(check):
            return tf.identity(values)
    default = tf.constant(feature.default, values.dtype)
    return tf.where(tf.reshape(missing, [-1] + [1] * len(feature.shape)), default, values)


def _steps(values: tf.Tensor, lengths: Any, name: str, feature: RawFeature, record: str) -> tf.RaggedTensor:
    ragged = tf.RaggedTensor.from_tensor(values, lengths, row_splits_dtype=tf.int64)
    if feature.multi_valued:
        return ragged.with_values(_present_only(ragged.values, feature.dtype))
    missing = _missing(ragged.values, feature)
    if record == "Example":
        # Parsed from flat lists, an array is one dimension of each step.
        return ragged.with_values(tf.reshape(ragged.values, [-1, feature.size])) if feature.shape else ragged
    there = tf.logical_not(missing)
    flat = tf.reshape(tf.boolean_mask(ragged.values, there), [-1])
    counts = tf.cast(there, tf.int64) * feature.size
    return ragged.with_values(tf.RaggedTensor.from_row_lengths(flat, counts, validate=False))


def _inner(flat: tf.Tensor, row_splits: tf.Tensor, feature: RawFeature) -> tf.RaggedTensor:
    """Rows of steps of `size` values each, as `[B, T, size]`; `row_splits` count steps."""
    inner = tf.RaggedTensor.from_uniform_row_length(flat, tf.constant(feature.size, tf.int64))
    return tf.RaggedTensor.from_row_splits(inner, row_splits, validate=False)


def _missing(values: tf.Tensor, feature: RawFeature) -> tf.Tensor:
    """Whether the value of each record or step (for an array: every value) is the marker, `[N]`."""
    marked = tf.math.is_nan(values) if feature.dtype == "float32" else values == MISSING[feature.dtype]
    return tf.reduce_all(marked, axis=list(range(1, 1 + len(feature.shape))))


def _present_only(values: tf.Tensor, dtype: str) -> tf.RaggedTensor:
    """The values `[N, V]` that are not missing."""
    there = tf.logical_not(tf.math.is_nan(values)) if dtype == "float32" else values != MISSING[dtype]
    return tf.ragged.boolean_mask(values, there).with_row_splits_dtype(tf.int64)


def _of_kind(serialized: tf.Tensor, parsed: Parsed, spec: SequenceSpec, kind: RecordKind) -> Parsed:
    """`parsed`, after a check that no record has the other type.

    The two types start with the same fields, so each parses as the other, but without any steps.
    So records without steps are examined again.
    """
    features = served_features(spec)
    keys = sorted({f.key for f in features if f.is_sequence} - {f.key for f in features if not f.is_sequence})
    if not any(feature.is_sequence for feature in features):
        return parsed
    steps = tf.add_n([parsed[f.tensor_name].row_lengths() for f in features if f.is_sequence])
    rows = tf.where(steps == 0)[:, 0]
    # The op cannot decode an empty batch, so an empty message is appended to the records.
    records = tf.concat([tf.gather(serialized, rows), [""]], axis=0)
    if kind == "Example":
        lists = tf.io.decode_proto(records, "tensorflow.SequenceExample", ["feature_lists"], [tf.string])
        foreign = lists.sizes[:-1, 0] > 0
        other, why = "SequenceExample", "feature lists"
    else:
        context = tf.io.decode_proto(records, "tensorflow.SequenceExample", ["context"], [tf.string]).values[0]
        # Concatenated parts of one message are the message.
        whole = tf.strings.reduce_join(context, axis=1)
        entries = tf.io.decode_proto(whole, "tensorflow.Features", ["feature"], [tf.string]).values[0]
        entries = tf.pad(entries, [[0, 0], [0, 1]])
        names = tf.io.decode_proto(entries, "tensorflow.Features.FeatureEntry", ["key"], [tf.string]).values[0]
        among = tf.reduce_any(tf.expand_dims(names, -1) == tf.constant(keys, tf.string), axis=-1)
        foreign = tf.reduce_any(among, axis=[1, 2])[:-1]
        other, why = "Example", "features of the steps, such as '" + (keys[0] if keys else "") + "', in the context"
    check = require(
        tf.logical_not(tf.reduce_any(foreign)),
        f"A record is a tf.{other}: it has {why}.",
        expected=f"records of type tf.{kind}",
        received=lambda: [(f"tf.{other} in rows", tf.boolean_mask(rows, foreign))],
        fix=f"Send tf.{kind}, or use the signature that takes tf.{other}.",
    )
    with behind(check):
        return dict(tf.nest.map_structure(tf.identity, parsed, expand_composites=True))
