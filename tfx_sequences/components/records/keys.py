"""Compares the features in the first records of each file with those in the spec.

Reads protocol buffers in Python, which is exact but slow: use it for samples, and to find a faulty record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.records.opening import holds_example_lists
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.places import place
from tfx_sequences.components.records.well_formed import malformed
from tfx_sequences.errors import DataError, did_you_mean, shortened
from tfx_sequences.schemas.features.raw_features import RawFeature, raw_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

_KINDS = {"bytes_list": "string", "int64_list": "int64", "float_list": "float32"}
_SAMPLE_RECORDS = 200
_SAMPLE_ALL_FILES = 4_000
_SAMPLE_BYTES = 8 << 20

# (whether it is a feature list, key): the same key can occur on both sides of a SequenceExample.
Key = tuple[bool, str]


@dataclasses.dataclass
class FileSample:
    """Contents of the first records of one file.

    Attributes:
        path: The file.
        records: Number of records.
        whole: Whether the sample is the whole file.
        has_lists: Whether a record has feature lists, so that it is a SequenceExample.
        holds_example_lists: Whether the records are stored as ExampleListWithContext, and were converted.
        kinds: For each key, the stored dtypes, each with the first record that has it.
    """

    path: AnyPath
    records: int = 0
    whole: bool = True
    has_lists: bool = False
    holds_example_lists: bool = False
    kinds: dict[Key, dict[str | None, int]] = dataclasses.field(default_factory=dict)


def record_id(record: bytes, spec: SequenceSpec) -> str | None:
    """The value of `spec.id_key` in a record; None if there is no value."""
    from tensorflow.core.example import example_pb2

    if not spec.id_key:
        return None
    try:
        feature = example_pb2.SequenceExample.FromString(record).context.feature.get(spec.id_key)
    except DecodeError:  # the caller reports the record itself
        return None
    if feature is None:
        return None
    if spec.id_dtype == "int64":
        return str(feature.int64_list.value[0]) if feature.int64_list.value else None
    values = feature.bytes_list.value
    return values[0].decode("utf-8", errors="replace") if values else None


def feature_name(feature: RawFeature, spec: SequenceSpec) -> str:
    """The name of a feature in messages: its place in the spec."""
    return feature_names([feature], spec)[feature.tensor_name]


def feature_names(features: Iterable[RawFeature], spec: SequenceSpec) -> dict[str, str]:
    """The names of features in messages, by tensor name; one by one, thousands of them would take minutes."""
    of_columns: dict[tuple[str, bool], str] = {}
    for name, column in spec.columns.items():
        shown = name if name.endswith(f".{column.key}") else f"{name} (key '{column.key}')"
        of_columns.setdefault((column.key, column.is_sequence), shown)
        for key, is_sequence, *_ in column.further_features:
            of_columns.setdefault((key, is_sequence), f"the feature '{key}' of {name}")
    return {f.tensor_name: of_columns.get((f.key, f.is_sequence)) or _name_of_role(f) for f in features}


def _name_of_role(feature: RawFeature) -> str:
    roles = {
        "timestamps": "the timestamps",
        "label": "the label",
        "known_future": "the known future",
        "offset": "the offset",
        "mase_scale": "the scale of MASE",
        "step_weight": "the step weight",
        "example_weight": "the example weight",
        "id": "the id",
    }
    return f"{roles.get(feature.role, 'the feature')} '{feature.key}'"


def sample_files(files: Iterable[AnyPath], *, well_formed_for: SequenceSpec | None = None) -> list[FileSample]:
    """Samples of all files; with many files, fewer records of each.

    Args:
        files: The files.
        well_formed_for: Leave records out that are not well-formed for this spec, unless all are.

    Raises:
        DataError: A record is not a protocol buffer, or does not contain features.
    """
    files = list(files)
    most = max(10, min(_SAMPLE_RECORDS, _SAMPLE_ALL_FILES // max(1, len(files))))
    return [_sample(path, most, well_formed_for) for path in files]


def check_keys(
    spec: SequenceSpec, samples: list[FileSample], *, for_prediction: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Checks that the data contains the spec's features, with the spec's dtypes and on the spec's side.

    Args:
        spec: The spec.
        samples: Samples of all files.
        for_prediction: Do not require label, weight and optional context features.

    Returns:
        Context keys and sequence keys of the data that the spec does not use.

    Raises:
        DataError: Records are of the other protocol buffer type, a key occurs in no record, or
            values are stored with another dtype.
    """
    for sample in samples:
        _check_kind_of_record(spec, sample)
    in_example = spec.record == "Example"
    wanted = {(f.is_sequence and not in_example, f.key): f for f in raw_features(spec, with_label=not for_prediction)}
    optional = {key for key, f in wanted.items() if for_prediction and not f.is_sequence and not f.required}
    known = {key for sample in samples for key in sample.kinds}
    missing = [key for key in wanted if key not in known and key not in optional]
    if missing and not all(sample.whole for sample in samples):
        missing = _search(missing, [sample.path for sample in samples])
    if missing:
        raise _missing(spec, wanted[missing[0]], known)
    for key, feature in wanted.items():
        for sample in samples:
            for kind, index in sample.kinds.get(key, {}).items():
                if kind not in (None, feature.dtype):
                    raise wrong_dtype(spec, feature, str(kind), sample.path, index)
    unused = sorted(known - set(wanted))
    return tuple(key for is_list, key in unused if not is_list), tuple(key for is_list, key in unused if is_list)


def wrong_dtype(spec: SequenceSpec, feature: RawFeature, stored: str, path: AnyPath, index: int) -> DataError:
    """The error for a feature that a record stores with another dtype than the spec's."""
    record = next(r for i, r in enumerate(read_records(path)) if i == index)
    return DataError(
        f"{feature_name(feature, spec)} has a different dtype in the data than in the spec.",
        expected=f"dtype {feature.dtype}",
        received=f"{stored} in {place(path, index, record_id(record, spec))}",
        fix=_dtype_fix(spec, feature, stored),
    )


def neither(path: AnyPath, index: int, record: bytes) -> DataError:
    """The error for a record that is not a protocol buffer of a known type."""
    return DataError(
        f"{place(path, index)} does not contain features.",
        expected="a serialized tf.train.SequenceExample (or tf.train.Example)",
        received=f"{len(record)} bytes that are neither and start with {record[:20]!r}",
        fix="Write `SequenceExample.SerializeToString()` of each record to the file.",
    )


def stored_kinds(feature: Any) -> set[str]:
    """The dtypes of a `Feature`, or of the steps of a `FeatureList`; steps without a value do not have one."""
    steps = feature.feature if hasattr(feature, "feature") else (feature,)
    kinds = {step.WhichOneof("kind") for step in steps}
    return {_KINDS[kind] for kind in kinds if kind}


def _sample(path: AnyPath, most: int, well_formed_for: SequenceSpec | None) -> FileSample:
    from tensorflow.core.example import example_pb2

    sample, size = FileSample(path, holds_example_lists=holds_example_lists(path)), 0
    records: list[bytes] = []
    for record in read_records(path):
        if len(records) == most or size > _SAMPLE_BYTES:
            sample.whole = False
            break
        size += len(record)
        records.append(record)
    sample.records = len(records)
    left_out = np.zeros(len(records), bool) if well_formed_for is None else malformed(records, well_formed_for)
    for index in np.flatnonzero(~left_out | left_out.all()).tolist():
        record = records[index]
        try:
            message = example_pb2.SequenceExample.FromString(record)
        except DecodeError as error:
            raise neither(path, index, record) from error
        context, lists = message.context.feature, message.feature_lists.feature_list
        if record and not context and not lists:
            if well_formed_for is not None:
                continue
            raise neither(path, index, record)
        for key in context:
            _note(sample, (False, key), context[key].WhichOneof("kind"), index)
        for key in lists:
            sample.has_lists = True
            # The first step with a value is sufficient here; the full pass reads every step.
            kinds = (step.WhichOneof("kind") for step in lists[key].feature)
            _note(sample, (True, key), next(filter(None, kinds), None), index)
    return sample


def _note(sample: FileSample, key: Key, kind: str | None, index: int) -> None:
    sample.kinds.setdefault(key, {}).setdefault(_KINDS[kind] if kind else None, index)


def _check_kind_of_record(spec: SequenceSpec, sample: FileSample) -> None:
    if sample.holds_example_lists and spec.record != "ELWC":
        raise DataError(
            f"{sample.path} holds ExampleListWithContext records, not tf.{spec.record}.",
            expected=f"tf.{spec.record}",
            received="lists of tf.Example with a context",
            fix="Write `record: ELWC` in the spec: the items of each list are then the steps.",
        )
    if spec.record == "Example" and sample.has_lists:
        lists = sorted(key for is_list, key in sample.kinds if is_list)
        raise DataError(
            f"{sample.path} contains tf.SequenceExample records, not tf.Example.",
            expected="tf.Example, because the spec has `record: Example`",
            received=f"records with the feature lists {shortened(lists)}",
            fix="Write `record: SequenceExample` in the spec, or remove `record`.",
        )
    if spec.payload == "SequenceExample" and not sample.has_lists:
        of_steps = [column.key for column in spec.sequence.values() if not is_from_context(column)]
        misplaced = [key for key in of_steps if (False, key) in sample.kinds]
        if misplaced:
            raise DataError(
                f"{sample.path} contains tf.Example records, not tf.SequenceExample.",
                expected="feature lists, for the sequence features of the spec",
                received=f"no feature list; {shortened(misplaced)} among the plain features",
                fix="Write `record: Example` in the spec, or convert the records to tf.SequenceExample.",
            )


def _search(missing: list[Key], paths: list[AnyPath]) -> list[Key]:
    """The keys that do not occur in any record."""
    from tensorflow.core.example import example_pb2

    pending = {key: key[1].encode() for key in missing}
    for path in paths:
        for index, record in enumerate(read_records(path)):
            # A key occurs literally in the bytes, so most records need not be parsed.
            for key in [k for k, name in pending.items() if name in record]:
                try:
                    message = example_pb2.SequenceExample.FromString(record)
                except DecodeError as error:
                    raise neither(path, index, record) from error
                side: Mapping[str, Any] = message.feature_lists.feature_list if key[0] else message.context.feature
                if key[1] in side:
                    del pending[key]
            if not pending:
                return []
    return list(pending)


def _missing(spec: SequenceSpec, feature: RawFeature, known: set[Key]) -> DataError:
    if spec.record == "Example":
        is_list, side, other = False, "features", ""
    elif feature.is_sequence:
        is_list, side, other = True, "sequence features", "context"
    else:
        is_list, side, other = False, "context features", "sequence"
    keys = sorted(key for in_list, key in known if in_list == is_list)
    name = feature_name(feature, spec)
    received = f"the {side} {shortened(keys)}" if keys else f"no {side}"
    if other and (not is_list, feature.key) in known:
        received += f"; '{feature.key}' is a {other} feature"
        if feature.role != "feature":
            fix = f"Store {name} once per record, in the context."
            if feature.is_sequence:
                fix = f"Store {name} as a feature list, one value per step."
            elif any(x.kind.from_windows for x in spec.heads.values()):
                fix = (
                    f"Store the values that follow the record's last step as {name} in the context; or use the "
                    "sequence feature's own name as `key`, to forecast its last steps."
                )
            elif feature.role == "label":
                fix = f"Write `per_step: true` at {name} in the spec, or store it once per record, in the context."
        else:
            fix = f"Move '{feature.key}' to `{other}:` in the spec, or write it to the records' {side}."
    else:
        fix = f"Correct the spec, or write '{feature.key}' to the records.{did_you_mean(feature.key, keys)}"
    return DataError(f"No record has {name}.", expected=f"'{feature.key}' among the {side}", received=received, fix=fix)


def _dtype_fix(spec: SequenceSpec, feature: RawFeature, stored: str) -> str:
    name = feature_name(feature, spec)
    if feature.role == "id":
        if stored == "float32":
            return "Store the id as bytes or int64, or use another id_key."
        return f"Write `id_dtype: {stored}` in the spec."
    if feature.role in ("example_weight", "step_weight"):
        if stored == "string":
            return "Store the weight as a number."
        if feature.role == "example_weight":
            return f"Write `example_weight_dtype: {stored}` in the spec."
        return f"Write `step_weight_dtype: {stored}` at the label in the spec."
    if feature.role in ("known_future", "mase_scale"):
        return f"Store {name} as {feature.dtype}."
    if feature.role == "label":
        label = next(x for x in spec.heads.values() if (x.key, x.per_step) == (feature.key, feature.is_sequence))
        where = "the label" if spec.label is not None else name
        return label.kind.fix_of_dtype(label, stored, name, where)
    section = spec.sequence if feature.is_sequence else spec.context
    numeric = all(c.type in ("numeric", "time") for c in section.values() if c.key == feature.key)
    if feature.layout is not None:
        return f"Leave `encoding` at {name} out of the spec, or store the numbers as bytes."
    if numeric and stored == "string":
        return (
            f"Write `type: categorical` at {name} in the spec, or `encoding` if the bytes hold numbers, or store lists "
            "of numbers."
        )
    if not numeric and stored == "float32":
        return f"Write `type: numeric` at {name} in the spec, or store the terms as bytes or int64."
    return f"Write `dtype: {stored}` at {name} in the spec."
