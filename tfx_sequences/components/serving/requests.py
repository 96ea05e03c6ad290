"""Requests to a served model, from plain rows: checked against the spec and serialized for gRPC or REST.

A row is a mapping: a feature's key, and its value (context) or a list with a value for each step. A value is a
number, a string (or bytes), or an array of the column's shape; a list of values where there may be several. None
(or NaN, where pandas has it) is a missing value, in arrays of numbers too; a sequence feature that a row does not have
is missing in all steps. Where a key is in the context and the steps,
`context_KEY` and `sequence_KEY` say which is meant. Records also hold labels, weights and the id of a row.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfx_sequences.components.serving import names as served
from tfx_sequences.components.serving.request_rows import Rows, read_rows
from tfx_sequences.components.serving.request_values import RowFeature, as_texts, is_missing
from tfx_sequences.errors import DataError, UserInputError, did_you_mean, shortened
from tfx_sequences.schemas.features.raw_features import RawFeature, raw_features
from tfx_sequences.schemas.features.request_inputs import (
    LENGTHS_INPUT,
    MISSING,
    needs_lengths,
    request_inputs,
    why_no_examples,
)
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    from tensorflow_serving.apis.predict_pb2 import PredictRequest

_Values = dict[str, Any]


def serialize_rows(rows: Rows, spec: SequenceSpec, *, kind: str | None = None) -> list[bytes]:
    """The rows as checked, serialized records.

    Args:
        rows: See `read_rows`.
        spec: The spec.
        kind: `SequenceExample` or `Example`; None uses the spec's type.

    Raises:
        DataError: A row is invalid; the message names the row and the feature.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> [record] = serialize_rows({"lpc": [[0.5] * 12, None]}, load_spec("japanese_vowels"))
    >>> len(record)
    69
    >>> serialize_rows({"lcp": [[0.5] * 12]}, load_spec("japanese_vowels"))
    Traceback (most recent call last):
      ...
    tfx_sequences.errors.DataError: Row 0: unknown feature 'lcp'.
      expected: 'speaker', 'utterance_id', 'lpc'
      received: 'lcp'
      fix:      Remove it, or correct its name. Did you mean 'lpc'?
    """
    kind = kind or spec.payload
    without = why_no_examples(spec) if kind == "Example" else None
    if without:
        raise DataError(
            "These rows cannot be tf.Example records.",
            expected="features that flat lists can hold",
            received=without,
            fix="Use the signature for tf.SequenceExample, or the one for tensors.",
        )
    features = _row_features(spec)
    return [_record(values, features, index, kind) for index, values in enumerate(_checked_rows(rows, spec, features))]


def make_tensors(rows: Rows, spec: SequenceSpec) -> dict[str, np.ndarray]:
    """The rows as the padded inputs of the signature `serving_tensors`.

    Returns:
        Arrays by name: context `[B, *shape]`, sequences `[B, T, *shape]` (`T`: greatest length), and `sequence_length`
        int64 `[B]`. Strings are objects of bytes. A missing value is `""`, the least int64 or NaN.

    Raises:
        DataError: A row is invalid.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> tensors = make_tensors([{"lpc": [[1] * 12]}, {"lpc": [[2] * 12] * 3}], load_spec("japanese_vowels"))
    >>> tensors["lpc"].shape, tensors["sequence_length"].tolist()
    ((2, 3, 12), [1, 3])
    """
    features = _row_features(spec)
    checked = list(_checked_rows(rows, spec, features))
    found: dict[str, np.ndarray] = {}
    inputs = request_inputs(spec)
    of_steps = [name for name, its in inputs.items() if its.feature.is_sequence and not its.feature.clock]
    lengths = np.array([max((len(v.get(n, ())) for n in of_steps), default=0) for v in checked], np.int64)
    for name, given in inputs.items():
        feature = given.feature
        if feature.is_sequence:
            # A feature that a row does not have is missing in all of its steps.
            steps = [
                values.get(name) or [[]] * (0 if feature.clock else length)
                for values, length in zip(checked, lengths, strict=True)
            ]
            found[name] = _padded_steps(steps, feature)
        else:
            found[name] = _padded([values[name] for values in checked], feature)
    if needs_lengths(spec):
        found[LENGTHS_INPUT] = lengths
    return found


def make_rest_body(rows: Rows, spec: SequenceSpec, *, signature_name: str = served.SERVING_SIGNATURE) -> dict[str, Any]:
    """A request body for TensorFlow Serving's REST predict API and `tfx-sequences serve`, for `json.dumps`.

    Args:
        rows: See `read_rows`.
        spec: The spec.
        signature_name: A signature for records, or `serving_tensors`. For the latter, all inputs are columns, and a
            missing number is NaN, which TensorFlow Serving reads although JSON does not define it.

    Raises:
        DataError: A row is invalid.
        UserInputError: The signature does not exist.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> make_rest_body({"lpc": []}, load_spec("japanese_vowels"))
    {'signature_name': 'serving_default', 'inputs': {'examples': [{'b64': 'CgASCQoHCgNscGMSAA=='}]}}
    """
    if _is_of_tensors(signature_name):
        inputs: dict[str, Any] = {name: as_texts(x.tolist()) for name, x in make_tensors(rows, spec).items()}
    else:
        records = serialize_rows(rows, spec, kind=_kind_of(signature_name))
        inputs = {served.EXAMPLES: [{"b64": base64.b64encode(record).decode()} for record in records]}
    return {"signature_name": signature_name, "inputs": inputs}


def make_predict_request(
    rows: Rows,
    spec: SequenceSpec,
    *,
    model_name: str,
    signature_name: str = served.SERVING_SIGNATURE,
    version: int | None = None,
) -> PredictRequest:
    """TensorFlow Serving's gRPC request; needs the package `tensorflow-serving-api`.

    Args:
        rows: See `read_rows`.
        spec: The spec.
        model_name: The model's name on the model server.
        signature_name: A signature for records, or `serving_tensors`.
        version: Version of the model; None for the newest.

    Raises:
        DataError: A row is invalid.
        UserInputError: The signature does not exist, or the package is not installed.
    """
    import tensorflow as tf

    try:
        from tensorflow_serving.apis import predict_pb2
    except ImportError as error:
        raise UserInputError(
            "A gRPC request cannot be built.",
            expected="the package tensorflow-serving-api",
            received=str(error),
            fix="Install it in the same version as TensorFlow, or use make_rest_body.",
        ) from error
    if _is_of_tensors(signature_name):
        inputs: dict[str, Any] = make_tensors(rows, spec)
    else:
        inputs = {served.EXAMPLES: np.array(serialize_rows(rows, spec, kind=_kind_of(signature_name)), object)}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature_name
    if version is not None:
        request.model_spec.version.value = version
    for name, values in inputs.items():
        dtype = tf.string if values.dtype == object else None
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype=dtype, shape=values.shape))
    return request


def _is_of_tensors(signature_name: str) -> bool:
    known = (*served.RECORD_SIGNATURES, served.TENSOR_SIGNATURE)
    if signature_name not in known:
        raise UserInputError(
            f"Unknown signature for requests: '{signature_name}'.",
            expected=f"one of {shortened(known)}",
            received=f"'{signature_name}'",
            fix=f"Correct the name.{did_you_mean(signature_name, known)}",
        )
    return signature_name == served.TENSOR_SIGNATURE


def _kind_of(signature_name: str) -> str | None:
    return "Example" if signature_name == served.EXAMPLE_SIGNATURE else None


def _row_features(spec: SequenceSpec) -> dict[str, RawFeature]:
    """Features by their names in rows: first those that a prediction needs, then the id, labels and weights."""
    found = {name: given.feature for name, given in request_inputs(spec).items()}
    taken = {feature.tensor_name for feature in found.values()}
    for feature in raw_features(spec):
        if feature.tensor_name not in taken:
            place = "sequence" if feature.is_sequence else "context"
            found[f"{place}_{feature.key}" if feature.key in found else feature.key] = feature
    return found


def _checked_rows(rows: Rows, spec: SequenceSpec, features: Mapping[str, RawFeature]) -> Iterator[_Values]:
    """For each row, by feature name: None, flat values, or flat values by step."""
    # Rows may use the key itself instead of the name derived from it.
    by_key = {feature.key: name for name, feature in features.items() if feature.key not in features}
    needed = request_inputs(spec)
    listed = sorted(features, key=lambda name: features[name].is_sequence)
    for index, row in enumerate(read_rows(rows)):
        where = _where(index, row, spec)
        given = {}
        for key, value in row.items():
            name = by_key.get(key, key)
            if name not in features:
                raise DataError(
                    f"{where}: unknown feature '{key}'.",
                    expected=shortened(listed),
                    received=f"'{key}'",
                    fix=f"Remove it, or correct its name.{did_you_mean(key, features)}",
                )
            given[name] = value
        values: _Values = {}
        for name, feature in features.items():
            its = RowFeature(feature, name, where)
            value = given.get(name)
            if feature.is_sequence:
                if not is_missing(value):
                    values[name] = its.of_steps(value)
            else:
                values[name] = its.of_record(value)
                if values[name] is None and feature.required and name in needed:
                    its.missing()
        _check_steps(values, features, needed, where)
        yield values


def _check_steps(values: _Values, features: Mapping[str, RawFeature], needed: Mapping[str, Any], where: str) -> None:
    clocks: dict[str, dict[str, int]] = {}
    for name, feature in features.items():
        if feature.is_sequence and (name in needed or name in values):
            clocks.setdefault(feature.clock, {})[name] = len(values.get(name, ()))
    for clock, lengths in clocks.items():
        # A feature without any step, beside others, is missing in all of them.
        if len({length for length in lengths.values() if length or clock}) <= 1:
            continue
        raise DataError(
            f"{where}: the sequence features have different numbers of steps.",
            expected="the same number for all; None for a step without a value",
            received=", ".join(f"'{name}' {count}" for name, count in lengths.items()),
            fix="Give each feature one element per step.",
        )


def _where(index: int, row: Mapping[str, Any], spec: SequenceSpec) -> str:
    identity = row.get(spec.id_key) if spec.id_key else None
    return f"Row {index} ('{identity}')" if isinstance(identity, str) else f"Row {index}"


def _record(values: _Values, features: Mapping[str, RawFeature], index: int, kind: str) -> bytes:
    import tensorflow as tf

    context: dict[str, tuple[str, Any]] = {
        features[n].key: (features[n].dtype, v) for n, v in values.items() if not features[n].is_sequence
    }
    steps = {n: v for n, v in values.items() if features[n].is_sequence}
    if kind == "Example":
        for name, its in steps.items():
            if features[name].dtype == "float32":
                its = [step or [math.nan] * features[name].size for step in its]
            if not all(its):
                raise DataError(
                    f"Row {index}: the feature '{name}' has a step without a value.",
                    expected="a value in each step, because the flat lists of a tf.Example cannot have gaps",
                    received=f"no value in step {next(n for n, step in enumerate(its) if not step)}",
                    fix="Add the value, or use tf.SequenceExample records.",
                )
            context[features[name].key] = (features[name].dtype, [x for step in its for x in step])
    message = tf.train.Features(feature={k: _feature(d, v) for k, (d, v) in context.items() if v is not None})
    if kind == "Example":
        return tf.train.Example(features=message).SerializeToString(deterministic=True)
    lists = {
        features[name].key: tf.train.FeatureList(feature=[_feature(features[name].dtype, step) for step in its])
        for name, its in steps.items()
    }
    record = tf.train.SequenceExample(context=message, feature_lists=tf.train.FeatureLists(feature_list=lists))
    return record.SerializeToString(deterministic=True)


def _feature(dtype: str, values: list[Any]) -> Any:
    import tensorflow as tf

    if not values:
        return tf.train.Feature()
    if dtype == "string":
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if dtype == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _padded(column: list[list[Any] | None], feature: RawFeature) -> np.ndarray:
    """Values of records or steps, `[N, *shape]` or `[N, V]`."""
    width = max((len(values or ()) for values in column), default=0) if feature.multi_valued else feature.size
    padded = np.full((len(column), width), _marker(feature), _dtype(feature))
    for row, values in enumerate(column):
        if values:
            if feature.multi_valued and b"" in values:
                raise DataError(
                    f"The feature '{feature.key}' has an empty string among its values.",
                    expected="non-empty strings, because an empty string in a padded tensor means that there is no "
                    "value",
                    received=f"{values!r:.60}",
                    fix="Remove it, or send serialized records.",
                )
            padded[row, : len(values)] = values
    return padded if feature.multi_valued else padded.reshape(len(column), *feature.shape)


def _padded_steps(column: list[list[list[Any]]], feature: RawFeature) -> np.ndarray:
    every = _padded([step for steps in column for step in steps], feature)
    lengths = [len(steps) for steps in column]
    # Values after the end of a row are not read, but timestamps that are not missing are counted.
    nothing = _marker(feature) if feature.clock else b"" if feature.dtype == "string" else 0
    padded = np.full((len(column), max(lengths, default=0), *every.shape[1:]), nothing, every.dtype)
    start = 0
    for row, length in enumerate(lengths):
        padded[row, :length] = every[start : start + length]
        start += length
    return padded


def _marker(feature: RawFeature) -> Any:
    return b"" if feature.dtype == "string" else MISSING[feature.dtype]


def _dtype(feature: RawFeature) -> Any:
    return object if feature.dtype == "string" else feature.dtype
