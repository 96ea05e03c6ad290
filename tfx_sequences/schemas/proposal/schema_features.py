"""Reads the features of a `tensorflow_metadata` schema, in the terms of specs.

A schema describes a feature in several ways: by its shape, by the counts of its
values, and by tensor representations. Here they become one `SchemaFeature`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX, raw_name
from tfx_sequences.schemas.features.schema_protos import schema_pb2
from tfx_sequences.schemas.features.tfmd import SEQUENCE_STRUCT
from tfx_sequences.schemas.proposal.proposal import Note

_DTYPES = {schema_pb2.BYTES: "string", schema_pb2.INT: "int64", schema_pb2.FLOAT: "float32"}
# TFDV writes this for terms that are not UTF-8.
_NO_TEXT = "__BYTES_VALUE__"
_STAGES_IN_USE = (schema_pb2.UNKNOWN_STAGE, schema_pb2.BETA, schema_pb2.PRODUCTION)


@dataclasses.dataclass(frozen=True)
class SchemaFeature:
    """One feature of a schema.

    Attributes:
        key: The feature's key in the record.
        is_sequence: Whether its values are steps; `False` for a context feature.
        dtype: `string`, `int64` or `float32`.
        shape: Shape of one step's value (for context: of the record's value); None for any number of values.
        default: Default for a missing context value, from a tensor representation.
        is_represented: Whether it has a tensor representation, which defines how it is parsed.
        is_optional: Whether it may be missing from records.
        terms: Terms of its domain, without the empty one; None without such a domain.
        id_range: Smallest and greatest value of its domain; None if they are not given.
        is_categorical: Whether its integers are ids; None if unknown.
        is_text: Whether it is natural language.
        min_value: Smallest number of its domain.
        is_for_training_only: Whether it is missing from an environment, such as serving.
    """

    key: str
    is_sequence: bool
    dtype: str
    shape: tuple[int, ...] | None
    default: str | int | float | None = None
    is_represented: bool = False
    is_optional: bool = False
    terms: tuple[str, ...] | None = None
    id_range: tuple[int, int] | None = None
    is_categorical: bool | None = None
    is_text: bool = False
    min_value: float | None = None
    is_for_training_only: bool = False

    @property
    def is_scalar(self) -> bool:
        """Whether it is a single value; an array of one value counts too."""
        return self.shape is not None and all(size == 1 for size in self.shape)


@dataclasses.dataclass(frozen=True)
class SchemaFeatures:
    """All features of a schema.

    Attributes:
        record: Type of the records.
        features: Features that a spec can contain, context before sequence, in key order.
        left_out: The other features, with the reasons.
    """

    record: Literal["SequenceExample", "Example"]
    features: tuple[SchemaFeature, ...]
    left_out: tuple[Note, ...]


class _Unusable(Exception):
    """The reason why a feature cannot be in a spec."""


def schema_features(schema: schema_pb2.Schema) -> SchemaFeatures:
    """The features of a schema: of SequenceExamples if it has the struct `##SEQUENCE##`, otherwise of Examples.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> from tfx_sequences.schemas.features.tfmd import make_schema
    >>> read = schema_features(make_schema(load_spec("japanese_vowels")))
    >>> read.record, [(f.key, f.is_sequence, f.dtype, f.shape) for f in read.features][2]
    ('SequenceExample', ('lpc', True, 'float32', (12,)))
    """
    reader = _Reader(schema)
    found, left_out = [], list(reader.notes)
    for feature, nested in _flat(schema):
        try:
            found.append(reader.read(feature, nested))
        except _Unusable as reason:
            left_out.append(Note(raw_name(feature.name, of_steps=nested), str(reason)))
    found.sort(key=lambda f: (f.is_sequence, f.key))
    return SchemaFeatures(reader.record, tuple(found), tuple(sorted(left_out, key=str)))


def _flat(schema: schema_pb2.Schema) -> Iterator[tuple[schema_pb2.Feature, bool]]:
    """Each feature, and whether it is nested in the sequence struct."""
    for feature in schema.feature:
        if _is_sequence_struct(feature):
            yield from ((child, True) for child in feature.struct_domain.feature)
        else:
            yield feature, False


def _is_sequence_struct(feature: schema_pb2.Feature) -> bool:
    return feature.name == SEQUENCE_STRUCT and feature.type == schema_pb2.STRUCT


class _Reader:
    """The information of the whole schema that is needed to read one feature."""

    def __init__(self, schema: schema_pb2.Schema) -> None:
        is_nested = any(map(_is_sequence_struct, schema.feature))
        self.record: Literal["SequenceExample", "Example"] = "SequenceExample" if is_nested else "Example"
        self.notes: list[Note] = []
        self._domains = {domain.name: domain for domain in schema.string_domain}
        self._numbers = {domain.name: domain for domain in (*schema.int_domain, *schema.float_domain)}
        self._parts: dict[str, str] = {}
        for sparse in schema.sparse_feature:
            self._add_sparse(sparse.name, [*(i.name for i in sparse.index_feature), sparse.value_feature.name])
        for weighted in schema.weighted_feature:
            self.notes.append(Note(weighted.name, "a weighted feature; its parts are treated as separate features"))
        self._representations: dict[tuple[bool, str], tuple[str, schema_pb2.TensorRepresentation]] = {}
        groups = schema.tensor_representation_group
        if groups:
            # TFX reads the group without a name.
            group = groups["" if "" in groups else min(groups)]
            for name, representation in sorted(group.tensor_representation.items()):
                self._add_representation(name, representation)

    def _add_sparse(self, name: str, parts: list[str]) -> None:
        self.notes.append(Note(name, "a sparse feature with index and value, which columns cannot read"))
        self._parts |= dict.fromkeys(parts, name)

    def _add_representation(self, name: str, representation: schema_pb2.TensorRepresentation) -> None:
        kind = representation.WhichOneof("kind")
        if kind == "sparse_tensor":
            sparse = representation.sparse_tensor
            if name not in self._parts.values():
                self._add_sparse(name, [*sparse.index_column_names, sparse.value_column_name])
        elif kind == "ragged_tensor":
            steps = list(representation.ragged_tensor.feature_path.step)
            nested = self.record == "SequenceExample" and steps[:1] == [SEQUENCE_STRUCT]
            self._representations.setdefault((nested, ".".join(steps[nested:])), (name, representation))
        elif kind is not None:
            key = getattr(representation, kind).column_name
            self._representations.setdefault((False, key), (name, representation))

    def read(self, feature: schema_pb2.Feature, nested: bool) -> SchemaFeature:
        name, representation = self._representations.get((nested, feature.name), ("", None))
        if not feature.name:
            raise _Unusable("its key is empty")
        if feature.deprecated or feature.lifecycle_stage not in _STAGES_IN_USE:
            stage = "DEPRECATED" if feature.deprecated else schema_pb2.LifecycleStage.Name(feature.lifecycle_stage)
            raise _Unusable(f"the schema marks it {stage}")
        if not nested and feature.name in self._parts:
            raise _Unusable(f"it is a part of the sparse feature '{self._parts[feature.name]}'")
        if feature.type not in _DTYPES:
            raise _Unusable(f"its type is {schema_pb2.FeatureType.Name(feature.type)}, which columns cannot read")
        if feature.WhichOneof("domain_info") == "image_domain":
            raise _Unusable("it contains images, which columns cannot read")
        if representation is None and _was_never_seen(feature):
            raise _Unusable("no record has a value for it, so its type is unknown")
        if nested:
            is_sequence, shape = True, _shape_of_step(feature)
        elif representation is None:
            shape = _shape_of_record(feature)
            if self.record == "SequenceExample" and not any(map(feature.HasField, ("shape", "value_count"))):
                shape = ()  # unspecified: assume one value; an Example's lists are different
            is_sequence = shape is None and self.record == "Example"
        else:
            is_sequence, shape = self._as_represented(name, representation)
        default = None
        if representation is not None and representation.WhichOneof("kind") == "dense_tensor":
            default = _default(representation.dense_tensor)
        if is_sequence and not nested and shape is None:
            shape = ()  # the values of an Example's list are its steps
        return SchemaFeature(
            key=feature.name,
            is_sequence=is_sequence,
            dtype=_DTYPES[feature.type],
            shape=shape,
            default=default,
            is_represented=representation is not None,
            is_optional=_is_optional(feature),
            is_text=feature.WhichOneof("domain_info") == "natural_language_domain",
            is_for_training_only=bool(feature.not_in_environment),
            terms=self._terms(feature),
            **self._range(feature),
        )

    def _as_represented(self, name: str, representation: Any) -> tuple[bool, tuple[int, ...] | None]:
        """Whether a feature outside the struct is a sequence, and its shape."""
        in_example = self.record == "Example"
        if representation.WhichOneof("kind") == "dense_tensor":
            return False, _fixed(representation.dense_tensor.shape)
        if representation.WhichOneof("kind") == "varlen_sparse_tensor":
            return in_example, None
        ragged = representation.ragged_tensor
        if len(ragged.feature_path.step) != 1:
            raise _Unusable("its representation refers to a nested feature")
        if any(partition.WhichOneof("kind") != "uniform_row_length" for partition in ragged.partition):
            raise _Unusable("its representation has row lengths in a separate feature")
        sizes = tuple(partition.uniform_row_length for partition in ragged.partition)
        # Our own schemas distinguish lists of Examples that are steps from other lists.
        ours = any(other.startswith(SEQUENCE_PREFIX) for other, _ in self._representations.values())
        is_sequence = in_example and (name.startswith(SEQUENCE_PREFIX) or not ours)
        return is_sequence, (sizes or None)

    def _terms(self, feature: schema_pb2.Feature) -> tuple[str, ...] | None:
        kind = feature.WhichOneof("domain_info")
        if kind == "bool_domain":
            domain = feature.bool_domain
            values = [domain.false_value, domain.true_value]
            return tuple(values) if all(values) and feature.type == schema_pb2.BYTES else None
        domain = feature.string_domain if kind == "string_domain" else self._domains.get(feature.domain)
        if domain is None:
            return None
        terms = tuple(dict.fromkeys(term for term in domain.value if term))
        if _NO_TEXT in terms:
            return None
        if feature.type == schema_pb2.INT and not all(_is_int64(term) for term in terms):
            return None
        return terms or None

    def _range(self, feature: schema_pb2.Feature) -> dict[str, Any]:
        kind = feature.WhichOneof("domain_info")
        if kind == "bool_domain" and feature.type == schema_pb2.INT:
            return {"id_range": (0, 1), "is_categorical": True}
        if kind in ("int_domain", "float_domain"):
            domain = getattr(feature, kind)
        else:
            domain = self._numbers.get(feature.domain) if kind == "domain" else None
        if domain is None:
            return {}
        said: dict[str, Any] = {"min_value": domain.min if domain.HasField("min") else None}
        if isinstance(domain, schema_pb2.IntDomain) and feature.type == schema_pb2.INT:
            said["is_categorical"] = domain.is_categorical if domain.HasField("is_categorical") else None
            if domain.HasField("min") and domain.HasField("max"):
                said["id_range"] = (domain.min, domain.max)
        return said


def _is_int64(term: str) -> bool:
    # Only terms that TensorFlow writes for the same number: '07' would never be found.
    digits = term.removeprefix("-")
    return digits.isdecimal() and digits.isascii() and str(int(term)) == term and -(2**63) <= int(term) < 2**63


def _was_never_seen(feature: schema_pb2.Feature) -> bool:
    """Whether TFDV inferred the feature without any values."""
    said_more = any(map(feature.HasField, ("shape", "value_count", "value_counts", "domain")))
    never = feature.presence.HasField("min_count") and feature.presence.min_count == 0
    return never and not said_more and feature.WhichOneof("domain_info") is None


def _is_optional(feature: schema_pb2.Feature) -> bool:
    sometimes = feature.HasField("value_count") and feature.value_count.min == 0
    return feature.presence.min_fraction < 1 or sometimes


def _fixed(shape: schema_pb2.FixedShape) -> tuple[int, ...] | None:
    sizes = tuple(dim.size for dim in shape.dim)
    return sizes if all(size > 0 for size in sizes) else None


def _shape_of_record(feature: schema_pb2.Feature) -> tuple[int, ...] | None:
    if feature.HasField("value_counts"):
        raise _Unusable("it has nested lists outside the struct of a SequenceExample")
    if feature.HasField("shape"):
        sizes = _fixed(feature.shape)
        # SchemaGen writes [1] for every single value.
        return () if sizes == (1,) else sizes
    least, most = feature.value_count.min, feature.value_count.max
    if most == 1:
        return ()
    return (most,) if least == most and most > 0 else None


def _shape_of_step(feature: schema_pb2.Feature) -> tuple[int, ...] | None:
    if feature.HasField("shape"):
        # SchemaGen's shape of records that all have the same number of steps: steps, and values of each.
        sizes = _fixed(feature.shape) or ()
        return () if sizes[1:] in ((), (1,)) else sizes[1:]
    counts = list(feature.value_counts.value_count)
    if len(counts) > 2:
        raise _Unusable("its steps have nested lists, which columns cannot read")
    if len(counts) < 2:
        return ()  # unspecified for steps: assume one value
    least, most = counts[1].min, counts[1].max
    if most == 1:
        return ()
    if most > 0 and least in (0, most):
        return (most,)
    return None


def _default(dense: Any) -> str | int | float | None:
    kind = dense.default_value.WhichOneof("kind")
    if kind is None:
        return None
    value = getattr(dense.default_value, kind)
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
