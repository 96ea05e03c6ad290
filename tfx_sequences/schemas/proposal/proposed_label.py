"""The label of a proposed spec: which feature it is, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tfx_sequences.errors import SpecError, shortened
from tfx_sequences.schemas.proposal.proposal import Note
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature

_LABEL_WORDS = ("label", "labels", "target", "targets", "class", "outcome", "y")
_LABEL_PARTS = re.compile(r"(^|[_.-])(label|target|class)($|[_.-])", re.IGNORECASE)
# A domain of more values becomes computed classes.
_MOST_CLASSES = 1_000


def can_be_label(feature: SchemaFeature) -> bool:
    """One value per record or step; a vector of numbers; or any number of terms."""
    if feature.is_scalar:
        return True
    if feature.shape is None:
        return feature.dtype != "float32"
    return feature.dtype != "string" and len(feature.shape) == 1


def find_label(
    features: Sequence[SchemaFeature], key: str | None, notes: list[Note], taken: tuple[str | None, ...]
) -> SchemaFeature:
    """The label: the feature of that key, of the context before the steps; None guesses it among the context's scalars.

    Args:
        features: Those of the schema.
        key: Known to be that of a feature that can be it.
        notes: Gains what was guessed.
        taken: Keys that play another role.

    Raises:
        SpecError: The schema does not tell.
    """
    if key is not None:
        return min((f for f in features if f.key == key and can_be_label(f)), key=lambda f: f.is_sequence)
    candidates = [f for f in features if f.is_scalar and not f.is_sequence and f.key not in taken]
    for why, found in (
        ("by its name", [f for f in candidates if f.key.lower() in _LABEL_WORDS]),
        ("an environment is without it", [f for f in candidates if f.is_for_training_only]),
        ("by its name", [f for f in candidates if _LABEL_PARTS.search(f.key)]),
    ):
        if len(found) == 1:
            notes.append(Note("label", f"guessed: {why}"))
            return found[0]
        if found:
            candidates = found
            break
    raise SpecError(
        "The schema does not tell which feature is the label.",
        expected="a context feature of one value, called label, target or class; or its key",
        received=f"the candidates {shortened(f.key for f in candidates)}" if candidates else "no such feature",
        fix="Name the label's key: `--label KEY`, or `label=` in Python."
        if candidates
        else "Write the label into the context of the records.",
    )


def label_fields(feature: SchemaFeature, notes: list[Note]) -> dict[str, Any]:
    """Fields of the `Label`; what was guessed of its kind becomes a note."""
    fields: dict[str, Any] = {"key": feature.key, "dtype": feature.dtype}
    if feature.is_sequence:
        fields["per_step"] = True
    if feature.shape is None:
        fields["type"] = "multi_label"
    elif not feature.is_scalar:
        fields["shape"] = feature.shape
        fields["type"] = "regression"
        notes.append(Note("label", "numbers; if they are 0 and 1, one per class: type: multi_label"))
        return fields
    if feature.dtype == "float32":
        return {**fields, "type": "regression"}
    if feature.dtype == "int64" and feature.is_categorical is False:
        return {**fields, "type": "regression"}
    classes: tuple[Any, ...] | None = feature.terms
    if feature.dtype == "int64":
        if classes is not None:
            classes = tuple(map(int, classes))
        elif feature.id_range is not None and feature.is_categorical:
            least, most = feature.id_range
            classes = tuple(range(least, most + 1)) if most - least < _MOST_CLASSES else None
        elif feature.is_categorical is None:
            notes.append(Note("label", "whole numbers, taken for classes; if they are a quantity: type: regression"))
    if classes is not None and 2 <= len(classes) <= _MOST_CLASSES:
        notes.append(Note("label", "classes are those of the schema's domain; any other is an error"))
        fields["classes"] = classes
    return fields
