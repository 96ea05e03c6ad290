"""Proposes a spec from a schema: the inverse of `make_schema`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from tfx_sequences.errors import DataError, SpecError, did_you_mean, shortened
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.columns.group_names import is_id_name, words_of
from tfx_sequences.schemas.columns.names import raw_name
from tfx_sequences.schemas.features.schema_protos import schema_pb2
from tfx_sequences.schemas.proposal.proposal import Note, Proposal
from tfx_sequences.schemas.proposal.proposed_bytes import BytesSample, column_of_bytes, note_of_text
from tfx_sequences.schemas.proposal.proposed_columns import proposed_column
from tfx_sequences.schemas.proposal.proposed_label import (
    NEXT_STEP,
    can_be_label,
    find_labels,
    head_names,
    label_fields,
    next_step_column,
)
from tfx_sequences.schemas.proposal.proposed_steps import no_steps, steps_of_context
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature, SchemaFeatures, schema_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_ID_NAMES = ("id", "record_id", "example_id", "sequence_id", "uuid", "uid", "guid")
_WEIGHT_NAMES = ("example_weight", "sample_weight", "record_weight")
SECTIONS = ("record", "id_key", "context", "sequence", "label", "labels", "example_weight", "splits", "model")


def propose_spec(
    schema: schema_pb2.Schema | str | os.PathLike[str],
    *,
    label: str | Sequence[str] | None = None,
    example_weight: str | None = None,
    id_key: str | None = None,
    name: str = "proposed",
    bytes_samples: Mapping[tuple[bool, str], BytesSample] | None = None,
) -> Proposal:
    """Proposes a spec for the records that a schema describes.

    The schema can be curated by hand, or inferred by SchemaGen (TFDV), which knows less. A
    schema from `make_schema` gives a spec with the same parse specs.

    Types follow from feature types and domains. Integers with a categorical domain and all
    strings are categorical: with `num_buckets` if the domain has bounds of at least 0, with
    `vocabulary_list` if it lists up to 1 000 terms, otherwise with a computed vocabulary.
    Strings are text if the domain is natural language; other numbers are numeric. Shapes and defaults
    follow from the tensor representations, or from shape, counts and presence. In a schema of
    `tf.Example`, lists of varying length are the steps.

    Args:
        schema: The message, its text, or the path of a file with the text (`schema.pbtxt`).
        label: Key of the label: a context feature (a value, a vector of numbers, or any number of
            terms) or otherwise a sequence feature, for a label per step. Several keys give several heads.
            None chooses a feature by its name (`label`, `target`, `class`, the last part of `clip/label`), or
            a feature missing from an environment such as serving. A vector beside one numeric sequence is a forecast.
        example_weight: Key of the weight; None chooses it by name (`example_weight`, ...).
        id_key: Key of the records' id; None chooses it by name (`id`, the only `*_id`, ...).
        name: Name of the spec.
        bytes_samples: What the bytes in the records are, by whether they are of a feature list, and the key: a schema
            does not tell text from images and vectors of numbers.

    Returns:
        A `Proposal`: `spec`, `notes` on what was guessed, and `left_out`, the features that are
        not in the spec, with reasons. `to_yaml()` gives the spec's file with these as comments.

    Raises:
        DataError: The schema cannot be read, or has no feature that could be steps.
        SpecError: The label cannot be guessed, or a key's feature cannot have its role; the
            message lists the candidates.
        EnvironmentNotSupportedError: On import, if `tensorflow_metadata` is missing.

    >>> proposal = propose_spec('''
    ...     feature { name: "speaker" type: BYTES }
    ...     feature { name: "##SEQUENCE##" type: STRUCT struct_domain {
    ...         feature { name: "lpc" type: FLOAT
    ...             value_counts { value_count { min: 7 } value_count { min: 12 max: 12 } } } } }
    ... ''', label="speaker")
    >>> proposal.spec.sequence["lpc"].shape, proposal.spec.label.key
    ((12,), 'speaker')
    """
    read = schema_features(_schema(schema))
    context = [f for f in read.features if not f.is_sequence]
    keys = (label,) if isinstance(label, str) else tuple(label or ())
    given = [*(("label", key) for key in keys), ("example_weight", example_weight), ("id_key", id_key)]
    _check_roles([(role, key) for role, key in given if key is not None], context, read)
    notes: list[Note] = []
    labels = find_labels(read.features, keys, notes, taken=(example_weight, id_key))
    heads = ["label"] if len(labels) == 1 else [f"labels.{name}" for name in head_names([f.key for f in labels])]
    declared_labels = {
        where: label_fields(feature, read.features, notes, where) for where, feature in zip(heads, labels, strict=True)
    }
    scales = {fields.get("mase_scale") for fields in declared_labels.values()}
    rest = [f for f in context if f not in labels and f.key not in scales]
    weight = _role(rest, example_weight, "example_weight", notes)
    identity = _role([f for f in rest if f is not weight], id_key, "id_key", notes)
    plain = [f for f in rest if f not in (weight, identity)]
    steps = [f for f in read.features if f.is_sequence and f not in labels]
    left_out = list(read.left_out)
    if read.record == "Example" and any(not f.is_represented for f in steps):
        text = (
            "lists of varying length are treated as steps; if one contains arrays, set its shape, "
            "and if one does not belong to the steps, move it to context with multi_valued"
        )
        notes.append(Note("record", text))
    if not steps:
        plain, steps = steps_of_context(plain, read, notes, bytes_samples)
    fields: dict[str, Any] = {"context": {}, "sequence": {}}
    for section, features in (("context", plain), ("sequence", steps)):
        for feature in features:
            sample = (bytes_samples or {}).get((feature.is_sequence and read.record == "SequenceExample", feature.key))
            column, about = column_of_bytes(sample, is_single=feature.is_scalar) or proposed_column(
                feature, in_sequence=section == "sequence", record=read.record
            )
            if column is not None and column["type"] == "categorical":
                about = about + note_of_text(sample)
            if column is None:
                left_out += [Note(raw_name(feature.key, of_steps=feature.is_sequence), text) for text in about]
            else:
                fields[section][feature.key] = column
                notes += [Note(f"{section}.{feature.key}", text) for text in about]
    model: dict[str, Any] = {}
    of_steps = {where: fields for where, fields in declared_labels.items() if fields.get("per_step")}
    if not fields["sequence"] and of_steps:
        model = {"model": {"bidirectional": False}}
        for where, its in of_steps.items():
            fields["sequence"][its["key"]] = next_step_column(its)
            its["shift"] = 1
            notes.append(Note(where, NEXT_STEP))
    if not fields["sequence"]:
        raise no_steps(read, left_out, bytes_samples)
    spec = declared(
        SequenceSpec,
        name=name,
        record=read.record,
        id_key=identity.key if identity else None,
        label=declared_labels.get("label"),
        labels={where.partition(".")[2]: fields for where, fields in declared_labels.items() if where != "label"},
        example_weight=weight.key if weight else None,
        **model,
        **fields,
    )
    notes.sort(key=lambda note: SECTIONS.index(note.about.partition(".")[0]))
    return Proposal(spec, tuple(notes), tuple(sorted(left_out, key=str)))


def _schema(schema: Any) -> schema_pb2.Schema:
    """The schema as a message, converted if necessary."""
    if isinstance(schema, schema_pb2.Schema):
        return schema
    if not isinstance(schema, str | os.PathLike):
        raise DataError(
            "This is not a schema.",
            expected="a Schema of tensorflow_metadata, its text, or the path of a file with it",
            received=type(schema).__name__,
        )
    text, where = str(schema), "The schema"
    if not isinstance(schema, str) or not re.search(r"[{\n]", schema):
        path = Path(schema).expanduser()
        where = f"The schema {path}"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"{where} cannot be read: {getattr(error, 'strerror', None) or error}.",
                expected="a file with the text that SchemaGen writes (schema.pbtxt)",
                received=str(path),
                fix="Check the path.",
            ) from error
    try:
        parsed = text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise DataError(
            f"{where} is not the text of a tensorflow_metadata schema: {error}",
            expected='the text that SchemaGen writes: feature { name: "..." type: BYTES ... }',
            received=f"{' '.join(text.split())!r:.60}",
            fix="Correct the line named above, or use another file.",
        ) from error
    if not parsed.feature:
        raise DataError(f"{where} has no features.", expected="a schema with a feature for each key of the records")
    return parsed


_ROLES = {
    "label": ("the label", "a context or sequence feature", can_be_label),
    "example_weight": (
        "the weight",
        "a context feature with one float",
        lambda f: f.is_scalar and f.dtype == "float32",
    ),
    "id_key": ("the records' id", "a context feature with one string", lambda f: f.is_scalar and f.dtype == "string"),
}


def _check_roles(roles: Sequence[tuple[str, str]], context: Sequence[SchemaFeature], read: SchemaFeatures) -> None:
    """Raises an error unless each given key belongs to a feature that can have its role."""
    for role, key in roles:
        words, expected, can_be = _ROLES[role]
        features = [f for f in read.features if role == "label"] or context
        by_key = {f.key: f for f in features}
        if any(f.key == key and can_be(f) for f in features):
            continue
        candidates = [f.key for f in features if can_be(f)]
        reasons = [note.text for note in read.left_out if note.about == key]
        if key in by_key:
            received = f"'{key}', {_described(by_key[key])}"
        elif any(f.key == key for f in read.features):
            received = f"'{key}', a sequence feature"
        else:
            received = f"'{key}', {reasons[0]}" if reasons else f"'{key}', which the schema does not have"
        raise SpecError(
            f"'{key}' cannot be {words}.",
            expected=f"{expected}: {shortened(candidates) or 'no such feature exists'}",
            received=received,
            fix=f"Choose another {role}.{_did_you_mean(key, candidates)}",
        )
    given = [key for _, key in roles]
    twice = sorted({key for key in given if given.count(key) > 1})
    if twice:
        raise SpecError(
            f"'{twice[0]}' was given two roles.", fix="Use different keys for label, example_weight and id_key."
        )


def _did_you_mean(key: str, candidates: Sequence[str]) -> str:
    """Suggests the keys that end with what was given, such as `clip/label` for `label`, or else a similar one."""
    ending = [known for known in candidates if re.split(r"[/:]", known)[-1] == key]
    return f" Did you mean {shortened(ending)}?" if ending else did_you_mean(key, candidates)


def _role(rest: Sequence[SchemaFeature], key: str | None, role: str, notes: list[Note]) -> SchemaFeature | None:
    """The weight or the id: given, or guessed from its name."""
    _, _, can_be = _ROLES[role]
    candidates = [f for f in rest if can_be(f)]
    if key is not None:
        return next(f for f in candidates if f.key == key)
    if role == "id_key":
        named = [f for f in candidates if f.key.lower() in _ID_NAMES]
        named = named or [f for f in candidates if "_".join(words_of(f.key)) in _ID_NAMES]
        named = named or [f for f in candidates if is_id_name(f.key)]
    else:
        # A feature called weight may be a weight in kilograms, unless it is declared as never negative.
        named = [f for f in candidates if f.key.lower() in _WEIGHT_NAMES]
        named = named or [f for f in candidates if f.key.lower() == "weight" and f.min_value == 0]
    if len(named) != 1:
        return None
    notes.append(Note(role, "guessed from its name"))
    return named[0]


def _described(feature: SchemaFeature) -> str:
    if feature.shape is None:
        return f"a {feature.dtype} feature with any number of values"
    return f"a {feature.dtype} feature with shape {list(feature.shape)}"
