"""The differences between two specs, by feature; and whether a model of one can be used with the other."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tfx_sequences.schemas.columns.local_files import named_files, read_bytes
from tfx_sequences.schemas.spec.label import TRAINING_FIELDS
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_to_json

# In these sections, and in batching only in these keys, a change alters how a record is read.
_DECISIVE = ("record", "context", "sequence", "label", "labels")
_DECISIVE_BATCHING = ("max_length", "truncate", "padding")
_FILE_FIELDS = ("vocabulary_file", "vectors_file", "vectors_terms_file")
_LONGEST = 60
_MOST_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Change:
    """One difference between two specs.

    Attributes:
        where: The feature or section: `sequence.token`, `label`, `training`.
        what: The change, in words.
        decides: Whether the change affects how a record is read or what a prediction means. If so, a model that was
            trained with one spec cannot be used with the other.
    """

    where: str
    what: str
    decides: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclasses.dataclass(frozen=True)
class SpecContents:
    """A spec as plain data, with digests of the files that it names.

    Attributes:
        spec: The data that `spec_to_json` writes.
        files: SHA-256 by column and field, such as `sequence.token vocabulary_file`; only for readable files.
    """

    spec: Mapping[str, Any]
    files: Mapping[str, str]


def contents_of(spec: SequenceSpec) -> SpecContents:
    """The contents of a spec; a file that cannot be read has no digest."""
    files = {}
    for name, column in spec.columns.items():
        for field, file in named_files(column):
            try:
                files[f"{name} {field}"] = hashlib.sha256(read_bytes(file)).hexdigest()
            except OSError:
                continue
    return SpecContents(json.loads(spec_to_json(spec)), files)


def spec_changes(before: SpecContents, after: SpecContents) -> list[Change]:
    """The differences from `before` to `after`, by feature.

    Files are compared by content; by path only if one of them cannot be read.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> spec = load_spec("japanese_vowels")
    >>> column = spec.sequence["lpc"].model_copy(update={"shape": (13,)})
    >>> changed = spec.model_copy(update={"sequence": {"lpc": column}})
    >>> [str(change) for change in spec_changes(contents_of(spec), contents_of(changed))]
    ['sequence.lpc: shape was [12], is [13]']
    """
    found: list[Change] = []
    old, new = before.spec, after.spec
    for section in dict.fromkeys([*old, *new]):
        ours, theirs = old.get(section), new.get(section)
        if section in ("context", "sequence", "labels"):
            found += _of_named(section, ours or {}, theirs or {}, before.files, after.files)
        elif section == "label":
            found += _of_label("label", ours, theirs)
        elif isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            for field, what in _differences(ours, theirs):
                found.append(Change(section, what, section == "batching" and field.startswith(_DECISIVE_BATCHING)))
        elif ours != theirs:
            found.append(Change(section, _words(ours, theirs), section in _DECISIVE))
    return found


def listed(title: str, changes: Sequence[Change]) -> str:
    """The first changes, as lines below a title, for an error message.

    >>> print(listed("changes:", [Change("label", "other classes", True)] * 10))  # doctest: +ELLIPSIS
    changes:
        label: other classes
        ...
        2 more
    """
    lines = [f"    {change}" for change in changes[:_MOST_LISTED]]
    if len(changes) > _MOST_LISTED:
        lines.append(f"    {len(changes) - _MOST_LISTED} more")
    return "\n".join([title, *lines])


def _of_named(
    section: str, old: Mapping[str, Any], new: Mapping[str, Any], old_files: Mapping[str, str], files: Mapping[str, str]
) -> Iterator[Change]:
    for name in dict.fromkeys([*old, *new]):
        where = f"{section}.{name}"
        if name not in new or name not in old:
            kind = (new if name in new else old)[name]["type"]
            yield Change(where, f"{'new' if name in new else 'removed'} ({kind})", True)
        elif section == "labels":
            yield from _of_label(where, old[name], new[name])
        else:
            for field, what in _differences(old[name], new[name]):
                digests = old_files.get(f"{where} {field}"), files.get(f"{where} {field}")
                # The path of a file does not matter if its content is the same.
                if not (field.endswith(_FILE_FIELDS) and all(digests)):
                    yield Change(where, what, True)
            for key in old_files.keys() & files.keys():
                if key.startswith(f"{where} ") and old_files[key] != files[key]:
                    yield Change(where, f"{key.removeprefix(where + ' ')} has different contents", True)


def _of_label(where: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Iterator[Change]:
    if old is None or new is None:
        if old is not new:
            kind = (new or old or {})["type"]
            yield Change(where, f"{'new' if old is None else 'removed'} ({kind})", True)
        return
    for field, what in _differences(old, new):
        yield Change(where, what, not field.startswith(TRAINING_FIELDS))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The changed fields, with dotted names for nested ones, and each change in words."""
    for field in dict.fromkeys([*old, *new]):
        ours, theirs = old.get(field), new.get(field)
        if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
            yield from _differences(ours, theirs, f"{prefix}{field}.")
        elif ours != theirs:
            yield f"{prefix}{field}", f"{prefix}{field} {_words(ours, theirs)}"


def _words(old: Any, new: Any) -> str:
    return f"was {_shown(old)}, is {_shown(new)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
