"""What a well-formed record is: one definition, in Python for what reads files, and in the graph for the signatures.

A record is well-formed if the protocol buffers library parses it and would write it in as many bytes. TensorFlow's own
parse ops are lenient: they read a part of a truncated record, and the first of two lists where the library joins both.
What they read would differ from what Transform reads.

Also, it is of the spec's type. `tf.Example` and `tf.SequenceExample` begin with the same fields, so each parses as the
other, but without any step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from google.protobuf.message import DecodeError

from tfx_sequences.components.records.elwc import fields_of
from tfx_sequences.components.records.paths import AnyPath
from tfx_sequences.components.records.places import place
from tfx_sequences.components.records.plain_records import SEQUENCE_EXAMPLE, descriptor_source, plain_record
from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.features.raw_features import served_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

if TYPE_CHECKING:
    import tensorflow as tf

Payload = Literal["SequenceExample", "Example"]

_LISTS = 2
_KEY, _VALUE = 1, 2
# From these on, the length of a field takes another byte.
_LONGER_LENGTHS = tuple(1 << 7 * n for n in (1, 2, 3, 4))
_SHOWN_BYTES = 20


@dataclasses.dataclass(frozen=True)
class RecordFault:
    """Why a record is not well-formed.

    Attributes:
        what: What it is instead, as the rest of a sentence about it.
        expected: What a record contains.
        received: What it contains.
        fix: What to do about it.
    """

    what: str
    expected: str
    received: str
    fix: str

    def error(self, path: AnyPath, index: int, identity: str | None) -> DataError:
        """The error that names the record."""
        where = place(path, index, identity)
        return DataError(
            f"{where[0].upper()}{where[1:]} {self.what}.", expected=self.expected, received=self.received, fix=self.fix
        )


class MalformedRecord(ValueError):
    """A batch has a record that is not well-formed."""


def parse_errors() -> tuple[type[Exception], ...]:
    """What parsing a batch raises where a record cannot be parsed, or lacks what the spec requires."""
    import tensorflow as tf

    # TensorFlow quotes the record in its message, which fails in turn if it is not UTF-8.
    return tf.errors.InvalidArgumentError, tf.errors.DataLossError, UnicodeDecodeError, MalformedRecord


def malformed(records: Sequence[bytes], spec: SequenceSpec, payload: Payload | None = None) -> np.ndarray:
    """Whether each record is not well-formed, bool `[N]`.

    It takes about as long as TensorFlow's parse op, because the library is compiled and no values are copied.

    Args:
        records: Serialized records; an ExampleListWithContext as the SequenceExample that it stands for.
        spec: The spec.
        payload: Their type; None for that of the spec.

    >>> spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    >>> malformed([b"", b"no record"], spec).tolist()
    [False, True]
    """
    keys, is_example = _keys_of_steps(spec), (payload or spec.payload) == "Example"
    return ~_each(records, lambda message: not _is_of_other_type(message, keys, is_example=is_example))


def canonical(records: Sequence[bytes]) -> np.ndarray:
    """Whether the library parses each record and would write it in as many bytes, bool `[N]`; of either type."""
    return _each(records, lambda message: True)


def _each(records: Sequence[bytes], condition: Callable[[Any], bool]) -> np.ndarray:
    """Whether each record is canonical and fulfils a condition."""
    # A tf.Example parses as a SequenceExample, and keeps what it has of its feature lists.
    parse = plain_record().FromString
    found = np.zeros(len(records), bool)
    for index, record in enumerate(records):
        try:
            message = parse(record)
        except DecodeError:
            continue
        found[index] = _size(message) == len(record) and condition(message)
    return found


def first_fault(
    records: Sequence[bytes], spec: SequenceSpec, payload: Payload | None = None
) -> tuple[int, RecordFault] | None:
    """The index of the first record that is not well-formed, and why it is not; None if all are."""
    for index in np.flatnonzero(malformed(records, spec, payload)).tolist():
        fault = fault_of(records[index], spec, payload)
        if fault is not None:
            return index, fault
    return None


def fault_of(record: bytes, spec: SequenceSpec, payload: Payload | None = None) -> RecordFault | None:
    """Why a record is not well-formed; None if it is. The arguments are those of `malformed`."""
    return fault_of_bytes(record) or _fault_of_type(record, spec, payload or spec.payload)


def fault_of_bytes(record: bytes) -> RecordFault | None:
    """Why a record is not canonical, whatever the spec; None if it is."""
    fix = "Write `SequenceExample.SerializeToString()` (or that of an Example) of each record to the file."
    try:
        message = plain_record().FromString(record)
    except DecodeError:
        return RecordFault(
            "does not contain features",
            "a serialized tf.train.SequenceExample (or tf.train.Example)",
            f"{len(record)} bytes that are neither and start with {record[:_SHOWN_BYTES]!r}",
            fix,
        )
    if _size(message) == len(record):
        return None
    return RecordFault(
        "is not well-formed",
        "each part once, and nothing else, as a protocol buffers library writes a record",
        f"{_odd_part(record)}: {len(record)} bytes, which a library would write as {_size(message)}",
        fix,
    )


def _fault_of_type(record: bytes, spec: SequenceSpec, payload: Payload) -> RecordFault | None:
    message, keys = plain_record().FromString(record), _keys_of_steps(spec)
    if not _is_of_other_type(message, keys, is_example=payload == "Example"):
        return None
    if payload == "Example":
        other, lists = "SequenceExample", sorted(entry.key for entry in message.feature_lists.feature_list)
        received = f"a tf.SequenceExample with the feature lists {shortened(lists)}"
    else:
        other, among = "Example", sorted(keys & {entry.key for entry in message.context.feature})
        received = f"a tf.Example: {shortened(among)} among the plain features"
    return RecordFault(
        f"is a tf.{other}",
        f"tf.{payload}, as the spec and the other records have it",
        received,
        f"Convert the record to tf.{payload}, or remove it.",
    )


def require_well_formed(serialized: tf.Tensor) -> tf.Tensor:
    """`serialized`, strings `[B]`, after a check in the graph; types are compared in `from_records`.

    Raises:
        tf.errors.DataLossError: The library cannot parse a record.
        tf.errors.InvalidArgumentError: The library would write a record in another number of bytes.
    """
    import tensorflow as tf

    from tfx_sequences.components.features.runtime_checks import after, require

    # The op parses both parts and writes them again as the library would. It refuses an empty batch.
    sizes, parts = tf.io.decode_proto(
        tf.concat([serialized, [""]], axis=0),
        SEQUENCE_EXAMPLE,
        ["context", "feature_lists"],
        [tf.string, tf.string],
        descriptor_source=descriptor_source(),
        sanitize=True,
    )
    # Where no record has a part, its tensor does not have a column.
    contents = [tf.reduce_sum(tf.strings.length(part), axis=1) for part in parts]
    written = tf.add_n([sizes[:, at] * _field_size(contents[at]) for at in range(2)])[:-1]
    right = tf.equal(written, tf.strings.length(serialized))
    check = require(
        tf.reduce_all(right),
        "A record is not well-formed: a part of it is there twice, or does not belong to it.",
        expected="records as a protocol buffers library writes them",
        received=lambda: [("rows", tf.where(tf.logical_not(right))[:, 0])],
        fix="Write the record again.",
    )
    return after(check, serialized)


def _keys_of_steps(spec: SequenceSpec) -> set[str]:
    """The keys of features that have steps and are not features of the record too."""
    features = served_features(spec)
    return {f.key for f in features if f.is_sequence} - {f.key for f in features if not f.is_sequence}


def _size(message: Any) -> int:
    """Bytes in which the library writes a SequenceExample, without fields that its type does not have."""
    context = _field_size(message.context.ByteSize()) if message.HasField("context") else 0
    return context + (_field_size(message.feature_lists.ByteSize()) if message.HasField("feature_lists") else 0)


def _field_size(size: Any) -> Any:
    """Bytes of a field whose content has `size` bytes: its tag, the length, and the content; also of a tensor.

    >>> _field_size(127), _field_size(128)
    (129, 131)
    """
    if isinstance(size, int):
        return 2 + size + sum(size >= bound for bound in _LONGER_LENGTHS)
    import tensorflow as tf

    return 2 + size + tf.add_n([tf.cast(size >= bound, size.dtype) for bound in _LONGER_LENGTHS])


def _is_of_other_type(message: Any, keys: set[str], *, is_example: bool) -> bool:
    """Whether a record does not have any step as the expected type, and has some as the other one."""
    if not keys:
        return False
    features = message.context.feature
    if is_example:
        # Only then a record is looked at closely.
        return message.HasField("feature_lists") and not any(e.key in keys and _has_values(e.value) for e in features)
    if any(entry.key in keys and entry.value.feature for entry in message.feature_lists.feature_list):
        return False
    return any(entry.key in keys for entry in features)


def _has_values(feature: Any) -> bool:
    kind = feature.WhichOneof("kind")
    return bool(kind and getattr(feature, kind).value)


def _odd_part(record: bytes) -> str:
    """The first feature that holds more than one list, or more than one key or value, in words."""
    try:
        for number, part in fields_of(record):
            for _, entry in fields_of(part):
                fields = list(fields_of(entry))
                key = next((bytes(content) for field, content in fields if field == _KEY), b"").decode(
                    "utf-8", "replace"
                )
                features = [content for field, content in fields if field == _VALUE]
                if number == _LISTS:
                    features = [step for steps in features for _, step in fields_of(steps)]
                lists = max((len(list(fields_of(feature))) for feature in features), default=0)
                if lists > 1:
                    return f"the feature '{key}' holds {lists} lists where one is allowed"
    except ValueError:
        pass
    return "a part that is there twice, does not belong to the record, or is encoded in an unusual way"
