"""Proposes the column for one feature of a schema: a part of `propose_spec`."""

from __future__ import annotations

from typing import Any

from tfx_sequences.schemas.columns.group_names import is_code_name
from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature

_MOST_TERMS = 1_000
_MANY_IDS = 1_000_000
# Vectors of an Example that are as long may be the steps.
_MANY_VALUES = 50


def proposed_column(
    feature: SchemaFeature, *, in_sequence: bool, record: str
) -> tuple[dict[str, Any] | None, list[str]]:
    """The fields of a feature's column and notes on what was guessed, or None and the reason.

    Args:
        feature: The feature in the schema.
        in_sequence: Whether its column is a sequence feature. A context feature can be one: a text whose
            tokens are the steps.
        record: `SequenceExample` or `Example`.

    >>> proposed_column(SchemaFeature("price", True, "float32", ()), in_sequence=True, record="Example")
    ({'type': 'numeric', 'shape': (), 'dtype': 'float32'}, [])
    """
    if in_sequence and not feature.is_sequence:
        return {"type": "text"}, []
    if feature.is_text and feature.is_scalar:
        return {"type": "text", **({"source": "sequence"} if in_sequence else {})}, []
    is_number = feature.dtype == "float32" or (
        feature.dtype == "int64" and feature.shape is not None and not feature.is_categorical and not feature.terms
    )
    if is_number and feature.is_scalar and _is_code(feature):
        fields, notes = _categorical(feature)
        return fields, [*notes, "integers, treated as ids or codes because of the name; if not, use {type: numeric}"]
    if is_number:
        return _numeric(feature, in_example=record == "Example")
    if not feature.is_scalar and in_sequence and record == "Example":
        return None, ["several terms per step, which the flat lists of a tf.Example cannot separate"]
    return _categorical(feature)


def _is_code(feature: SchemaFeature) -> bool:
    """Whether integers of which the schema does not say what they are have the name of ids or codes."""
    undeclared = feature.is_categorical is None and feature.id_range is None and feature.default is None
    return feature.dtype == "int64" and undeclared and is_code_name(feature.key)


def _numeric(feature: SchemaFeature, *, in_example: bool) -> tuple[dict[str, Any] | None, list[str]]:
    if feature.shape is None:
        per = "step" if feature.is_sequence else "record"
        advice = "if they are weights of terms, declare weighted_by in the column of the terms"
        return None, [f"a varying number of values per {per}, but a numeric column has a fixed shape; {advice}"]
    fields: dict[str, Any] = {"type": "numeric", "shape": feature.shape, "dtype": feature.dtype}
    notes = []
    if in_example and not feature.is_sequence and max(feature.shape, default=1) >= _MANY_VALUES:
        notes.append(
            f"a vector of {max(feature.shape)} numbers; if they are steps, move it to sequence and remove its shape"
        )
    if feature.dtype == "int64" and feature.is_categorical is None:
        notes.append("integers, treated as quantities; if they are ids or codes, use {type: categorical, dtype: int64}")
    if isinstance(feature.default, int | float):
        fields["default_value"] = float(feature.default)
    elif not feature.is_sequence and not feature.is_represented and feature.is_optional:
        fields["default_value"] = 0.0
        notes.append("it may be missing; 0 replaces a missing value, change it if necessary")
    return fields, notes


def _categorical(feature: SchemaFeature) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {"type": "categorical", "dtype": feature.dtype}
    notes = []
    if not feature.is_scalar:
        fields["multi_valued"] = True
        if feature.shape is not None:
            notes.append(f"{' x '.join(map(str, feature.shape))} terms at a time, whose vectors are combined")
        elif feature.dtype == "int64" and not feature.is_categorical:
            notes.append("integers in lists of varying length, treated as ids or codes")
    if feature.terms is not None and len(feature.terms) <= _MOST_TERMS:
        is_string = feature.dtype == "string"
        fields["vocabulary_list"] = feature.terms if is_string else tuple(map(int, feature.terms))
        notes.append("all known terms; unknown terms share one additional id")
    elif feature.terms is not None:
        notes.append(
            f"the domain has {len(feature.terms)} terms; a vocabulary is computed over the training split instead"
        )
    elif feature.id_range is not None and feature.is_categorical:
        least, most = feature.id_range
        if least >= 0:
            fields["num_buckets"] = most + 1
            if most >= _MANY_IDS:
                notes.append(f"{most + 1} ids need a large table; hash_bucket_size makes it smaller")
            notes += _missing_id(feature, fields)
        else:
            notes.append(f"the domain goes from {least} to {most}, but ids start at 0, so a vocabulary is computed")
    return fields, notes


def _missing_id(feature: SchemaFeature, fields: dict[str, Any]) -> list[str]:
    """Sets a default for an id that may be missing; without a default it would be an error."""
    if feature.is_sequence or not feature.is_scalar:
        return []
    default = feature.default
    if isinstance(default, int) and 0 <= default < fields["num_buckets"]:
        fields["default_value"] = default
        return [f"missing values and values out of range become id {default}"]
    if default == MISSING_INT or (not feature.is_represented and feature.is_optional):
        fields["default_value"] = NO_ID
        return ["it may be missing; missing values and values out of range have no id (zeros)"]
    return []
