"""Which column a schema's feature is: the part of `propose_spec` that looks at one feature alone."""

from __future__ import annotations

from typing import Any

from tfx_sequences.schemas.columns.names import MISSING_INT, NO_ID
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature

_MOST_TERMS = 1_000
_MANY_IDS = 1_000_000


def proposed_column(
    feature: SchemaFeature, *, in_sequence: bool, record: str
) -> tuple[dict[str, Any] | None, list[str]]:
    """The fields of a feature's column, and notes on what was guessed; or None, and why there is none.

    Args:
        feature: What the schema says of it.
        in_sequence: Its column is among the sequence features. A context feature can be: a text, whose
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
    if is_number:
        return _numeric(feature)
    if not feature.is_scalar and in_sequence and record == "Example":
        return None, ["several terms per step, which the flat lists of a tf.Example cannot tell apart"]
    return _categorical(feature)


def _numeric(feature: SchemaFeature) -> tuple[dict[str, Any] | None, list[str]]:
    if feature.shape is None:
        per = "step" if feature.is_sequence else "record"
        return None, [f"any number of numbers per {per}, and a numeric column has a fixed shape"]
    fields: dict[str, Any] = {"type": "numeric", "shape": feature.shape, "dtype": feature.dtype}
    notes = []
    if feature.dtype == "int64" and feature.is_categorical is None:
        notes.append("whole numbers, taken for quantities; if they are ids or codes: {type: categorical, dtype: int64}")
    if isinstance(feature.default, int | float):
        fields["default_value"] = float(feature.default)
    elif not feature.is_sequence and not feature.is_represented and feature.is_optional:
        fields["default_value"] = 0.0
        notes.append("records may lack it; 0 stands in for a missing value, choose what suits")
    return fields, notes


def _categorical(feature: SchemaFeature) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {"type": "categorical", "dtype": feature.dtype}
    notes = []
    if not feature.is_scalar:
        fields["multi_valued"] = True
        if feature.shape is not None:
            notes.append(f"{' x '.join(map(str, feature.shape))} terms each time, whose vectors are combined")
        elif feature.dtype == "int64" and not feature.is_categorical:
            notes.append("whole numbers in lists of varying length, taken for ids or codes")
    if feature.terms is not None and len(feature.terms) <= _MOST_TERMS:
        is_string = feature.dtype == "string"
        fields["vocabulary_list"] = feature.terms if is_string else tuple(map(int, feature.terms))
        notes.append("terms of the schema's domain; unknown ones share one more id")
    elif feature.terms is not None:
        notes.append(f"the domain has {len(feature.terms)} terms; they are computed over the training split instead")
    elif feature.id_range is not None and feature.is_categorical:
        least, most = feature.id_range
        if least >= 0:
            fields["num_buckets"] = most + 1
            if most >= _MANY_IDS:
                notes.append(f"{most + 1} ids make a large table; hash_bucket_size makes a smaller one")
            notes += _missing_id(feature, fields)
        else:
            notes.append(f"the domain goes from {least} to {most}; ids begin at 0, so a vocabulary is computed")
    return fields, notes


def _missing_id(feature: SchemaFeature, fields: dict[str, Any]) -> list[str]:
    """Gives a missing id a meaning where records may lack it: without one it would be an error."""
    if feature.is_sequence or not feature.is_scalar:
        return []
    default = feature.default
    if isinstance(default, int) and 0 <= default < fields["num_buckets"]:
        fields["default_value"] = default
        return [f"a missing value, and one out of range, becomes id {default}"]
    if default == MISSING_INT or (not feature.is_represented and feature.is_optional):
        fields["default_value"] = NO_ID
        return ["records may lack it; a missing value, and one out of range, has no id (zeros)"]
    return []
