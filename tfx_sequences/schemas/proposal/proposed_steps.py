"""Chooses the steps of a proposed spec where the schema does not have sequence features: a part of `propose_spec`."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tfx_sequences.errors import DataError, shortened
from tfx_sequences.schemas.proposal.proposal import Note
from tfx_sequences.schemas.proposal.proposed_bytes import BytesSample
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature, SchemaFeatures

BytesSamples = Mapping[tuple[bool, str], BytesSample]


def steps_of_context(
    plain: list[SchemaFeature], read: SchemaFeatures, notes: list[Note], samples: BytesSamples | None
) -> tuple[list[SchemaFeature], list[SchemaFeature]]:
    """Context and sequence for a schema without sequence features: lists of equal length, or tokens, are the steps.

    Args:
        plain: The context features without a role.
        read: The schema.
        notes: Receives notes on what was guessed.
        samples: The bytes in the records, see `propose_spec`.

    Returns:
        Both; the sequence is empty if no feature can be steps.
    """
    if read.record == "Example":
        lists = [f for f in plain if not f.is_represented and not f.is_scalar and len(f.shape or ()) == 1]
        counts = Counter(f.shape[0] for f in lists if f.shape)
        if counts:
            # Most lists of a record describe its steps; of as many, the longest do.
            size = max(counts, key=lambda size: (counts[size], size))
            found = [f for f in lists if f.shape == (size,)]
            which = "all lists have" if len(counts) == 1 else "most lists have"
            text = f"{which} {size} values, treated as steps; if they are arrays, move them to context"
            notes += [Note(f"sequence.{f.key}", text) for f in found]
            steps = [dataclasses.replace(f, is_sequence=True, shape=(), default=None) for f in found]
            return [f for f in plain if f not in found], steps
    texts = [f for f in plain if f.dtype == "string" and f.is_scalar and _may_be_text(f, samples)]
    # Prefer natural language; avoid a domain of few terms.
    for likely in ([f for f in texts if f.is_text], [f for f in texts if f.terms is None], texts):
        if likely:
            others = f", of {shortened(f.key for f in likely)}" if len(likely) > 1 else ""
            notes.append(
                Note(
                    f"sequence.{likely[0].key}",
                    f"the schema has no sequence feature, so the tokens of this string are the steps{others}",
                )
            )
            return [f for f in plain if f is not likely[0]], [likely[0]]
    return plain, []


def _may_be_text(feature: SchemaFeature, samples: BytesSamples | None) -> bool:
    """Whether its strings can have several tokens; a schema alone does not tell."""
    sample = None if samples is None else samples.get((False, feature.key))
    return sample is None or feature.is_text or (sample.is_text and sample.has_spaces)


def no_steps(read: SchemaFeatures, left_out: Sequence[Note], samples: BytesSamples | None = None) -> DataError:
    """The error for a schema without features that could be steps."""
    features = shortened(f.key for f in read.features) or "no feature that a spec can contain"
    reasons = f"; left out: {' '.join(map(str, left_out[:3]))}" if left_out else ""
    binary = sorted(key for (nested, key), sample in (samples or {}).items() if not nested and not sample.is_text)
    numbered = _numbered([f.key for f in read.features])
    if numbered:
        fix = (
            f"If the features {shortened(numbered, 3)} are the steps of a sequence, write them as one feature list "
            "of a tf.SequenceExample."
        )
    elif binary:
        fix = (
            f"If the bytes of '{binary[0]}' contain the steps, write them as a list of numbers, or as a feature list "
            "with one bytes value per step."
        )
    else:
        fix = "Check that the records were read with the right type: tf.SequenceExample or tf.Example."
    return DataError(
        "The schema has no feature whose values could be the steps of a sequence.",
        expected="feature lists in a '##SEQUENCE##' struct (SequenceExample), or lists of varying length (Example)",
        received=f"{read.record} with {features}{reasons}",
        fix=fix,
    )


def _numbered(keys: Sequence[str]) -> list[str]:
    """Keys that differ only in a number at the end, at least three, by this number; the largest such group.

    >>> _numbered(["blob/0", "blob/10", "blob/2", "height", "x1", "x2"])
    ['blob/0', 'blob/2', 'blob/10']
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(re.sub(r"\d+$", "", key), []).append(key)
    largest = max(groups.values(), key=len, default=[])
    by_number = sorted(largest, key=lambda key: (len(key), key))
    return by_number if len(by_number) >= 3 else []
