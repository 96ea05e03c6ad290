"""Names for TensorFlow, Keras and files, derived from the names in records, which may contain any character."""

from __future__ import annotations

import hashlib
import re

# Valid in the name of a Keras input, of a variable, of a TensorFlow scope and of a file.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,119}")
_DERIVED = re.compile(r".*_[0-9a-f]{10}", re.DOTALL)
_STEM = 80


def internal_name(name: str) -> str:
    """A name that is unique, the same in every run, and made of ASCII letters, digits, `_`, `.` and `-`.

    A name that already has this form is returned unchanged. For any other name, the result is made of its letters and a
    hash of the whole name: so two names always differ, and a feature's name does not depend on the other features.

    Args:
        name: The name of a column, a label or a table.

    >>> internal_name("sequence.speed"), internal_name("sequence.image/speed")
    ('sequence.speed', 'sequence.image_speed_c8b04f442b')
    """
    if _PLAIN.fullmatch(name) and not _DERIVED.fullmatch(name):
        return name
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:_STEM]
    return f"{stem if re.match('[A-Za-z]', stem) else f'x_{stem}'}_{_digest(name)}"


def file_name(name: str) -> str:
    """The part of a file's name that identifies a transformed feature, without dots.

    >>> file_name("sequence.a_b"), file_name("sequence.a.b"), file_name("label")
    ('sequence_a_b', 'sequence_a_b_29480ef948', 'label')
    """
    plain = internal_name(name)
    if plain != name or name.count(".") < 2:
        # The first dot separates section and feature; a derived name has a hash.
        return plain.replace(".", "_")
    return f"{name.replace('.', '_')}_{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
