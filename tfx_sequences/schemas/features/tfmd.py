"""The `tensorflow_metadata` schema of a spec, with all tensor representations.

A schema inferred from statistics has no tensor representations for
SequenceExamples, and Transform cannot read them without these.
"""

from __future__ import annotations

from google.protobuf import text_format

from tfx_sequences.errors import DataError, did_you_mean, shortened
from tfx_sequences.schemas.columns.column import CategoricalColumn
from tfx_sequences.schemas.features.raw_features import RawFeature, feature_of, raw_features
from tfx_sequences.schemas.features.schema_protos import schema_pb2
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SEQUENCE_STRUCT = "##SEQUENCE##"
_TYPES = {"string": schema_pb2.BYTES, "int64": schema_pb2.INT, "float32": schema_pb2.FLOAT}


def make_schema(spec: SequenceSpec, inferred: schema_pb2.Schema | None = None) -> schema_pb2.Schema:
    """The curated schema of `spec`.

    Args:
        spec: The spec.
        inferred: What SchemaGen inferred from the training split. Features the
            spec does not use are copied from it as `DISABLED`: nobody validates
            or parses them. The features it does use are compared with it.

    Raises:
        DataError: `inferred` lacks a feature of the spec, or has it with another type.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> schema = make_schema(load_spec("japanese_vowels"))
    >>> sorted(schema.tensor_representation_group[""].tensor_representation)
    ['sequence.lpc', 'speaker', 'utterance_id']
    """
    schema = schema_pb2.Schema()
    columns = {feature_of(c).tensor_name: c for c in spec.columns.values() if isinstance(c, CategoricalColumn)}
    labels = {label.raw_name: label for label in spec.heads.values()}
    in_struct = spec.payload == "SequenceExample"
    sequence_features = schema_pb2.StructDomain()
    representations = schema.tensor_representation_group[""].tensor_representation
    for raw in raw_features(spec):
        nested = raw.is_sequence and in_struct
        feature = (sequence_features if nested else schema).feature.add()
        _describe(feature, raw, nested)
        _set_domain(feature, raw, labels.get(raw.tensor_name), columns.get(raw.tensor_name))
        _represent(representations[raw.tensor_name], raw, nested)
    if in_struct:
        struct = schema.feature.add(name=SEQUENCE_STRUCT, type=schema_pb2.STRUCT)
        struct.value_count.min = struct.value_count.max = 1
        struct.struct_domain.CopyFrom(sequence_features)
    if inferred is not None:
        compare_with_inferred(spec, inferred)
        _add_unused(schema, inferred)
    return schema


def compare_with_inferred(spec: SequenceSpec, inferred: schema_pb2.Schema) -> None:
    """Raises `DataError` where spec and data disagree on a feature's presence, place or type."""
    context = {f.name: f for f in inferred.feature if f.type != schema_pb2.STRUCT}
    sequence = {f.name: f for s in inferred.feature if s.name == SEQUENCE_STRUCT for f in s.struct_domain.feature}
    for raw in raw_features(spec):
        in_struct = raw.is_sequence and spec.payload == "SequenceExample"
        here, there = (sequence, context) if in_struct else (context, sequence)
        place, elsewhere = ("sequence", "context") if in_struct else ("context", "sequence")
        if raw.key not in here:
            hint = f"It is a {elsewhere} feature there." if raw.key in there else did_you_mean(raw.key, here).strip()
            raise DataError(
                f"The data has no {place} feature '{raw.key}' ({raw.role}).",
                expected=f"'{raw.key}' in the training records",
                received=f"{place} features {shortened(sorted(here)) or 'none'}",
                fix=f"Correct the key in the spec. {hint}".strip(),
            )
        if here[raw.key].type != _TYPES[raw.dtype]:
            stored = {v: k for k, v in _TYPES.items()}.get(here[raw.key].type, "another type")
            raise DataError(
                f"The {place} feature '{raw.key}' is not what the spec says.",
                expected=raw.dtype,
                received=stored,
                fix=f"Write 'dtype: {stored}' in the spec, or correct the records.",
            )


def schema_text(schema: schema_pb2.Schema) -> str:
    """The schema as text protobuf."""
    return text_format.MessageToString(schema)


def _describe(feature: schema_pb2.Feature, raw: RawFeature, nested: bool) -> None:
    feature.name = raw.key
    feature.type = _TYPES[raw.dtype]
    if not raw.is_sequence:
        if raw.multi_valued:
            feature.value_count.min = 0
        else:
            feature.value_count.min = feature.value_count.max = raw.size
        if raw.required:
            # An optional feature may be missing in all records of a split, small ones above all.
            feature.presence.min_count = 1
            feature.presence.min_fraction = 1.0
    elif nested:
        # Outer: steps of a record, zero is legal. Inner: values of a step, none means missing.
        feature.value_counts.value_count.add(min=0)
        if raw.multi_valued:
            feature.value_counts.value_count.add(min=0)
        else:
            feature.value_counts.value_count.add(min=0, max=raw.size)


def _set_domain(
    feature: schema_pb2.Feature, raw: RawFeature, label: Label | None, column: CategoricalColumn | None
) -> None:
    if raw.dtype == "float32":
        # NaN in a feature, and in a label that may be missing, is a missing value.
        may_be_missing = raw.role == "feature" or (label is not None and label.may_be_missing)
        feature.float_domain.disallow_nan = not may_be_missing
        feature.float_domain.disallow_inf = True
        if raw.role in ("example_weight", "step_weight"):
            feature.float_domain.min = 0.0
    elif label is not None and raw.dtype == "string" and label.classes and label.unseen == "error":
        feature.string_domain.value.extend(str(c) for c in label.classes)
    elif column is not None and column.dtype == "string" and column.vocabulary_list and _takes_listed_only(column):
        feature.string_domain.value.extend(str(term) for term in column.vocabulary_list)
    elif column is not None and column.num_buckets and column.default_value is None:
        feature.int_domain.min, feature.int_domain.max = 0, column.num_buckets - 1
        feature.int_domain.is_categorical = True
    elif raw.dtype == "int64" and (column is not None or label is not None):
        feature.int_domain.is_categorical = column is not None or (label is not None and label.has_classes)


def _takes_listed_only(column: CategoricalColumn) -> bool:
    # Validation does not know lower case; and a missing value, which is unknown too, is not in the statistics.
    return column.refuses_unknown and not column.lowercase


def _represent(representation: schema_pb2.TensorRepresentation, raw: RawFeature, nested: bool) -> None:
    if raw.is_sequence or raw.multi_valued:
        ragged = representation.ragged_tensor
        ragged.feature_path.step.extend([SEQUENCE_STRUCT, raw.key] if nested else [raw.key])
        if raw.shape and not nested:
            ragged.partition.add(uniform_row_length=raw.size)
        return
    dense = representation.dense_tensor
    dense.column_name = raw.key
    for size in raw.shape:
        dense.shape.dim.add(size=size)
    if isinstance(raw.default, str):
        dense.default_value.bytes_value = raw.default.encode()
    elif isinstance(raw.default, int) and raw.dtype == "int64":
        dense.default_value.int_value = raw.default
    elif raw.default is not None:
        dense.default_value.float_value = float(raw.default)


def _add_unused(schema: schema_pb2.Schema, inferred: schema_pb2.Schema) -> None:
    """Copies what the data has and the spec does not use, marked so that nothing validates or parses it."""

    def copy_unused(target: schema_pb2.Schema | schema_pb2.StructDomain, source: schema_pb2.Feature) -> None:
        copied = target.feature.add()
        copied.CopyFrom(source)
        copied.lifecycle_stage = schema_pb2.DISABLED

    known = {f.name: f for f in schema.feature}
    for feature in inferred.feature:
        if feature.name not in known:
            copy_unused(schema, feature)
        elif feature.name == SEQUENCE_STRUCT:
            struct = known[feature.name].struct_domain
            used = {f.name for f in struct.feature}
            for child in feature.struct_domain.feature:
                if child.name not in used:
                    copy_unused(struct, child)
