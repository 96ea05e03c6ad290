"""The labels of a proposed spec: their features and kinds."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from tfx_sequences.errors import SpecError, shortened
from tfx_sequences.schemas.columns.group_names import words_of
from tfx_sequences.schemas.proposal.proposal import Note
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature

_LABEL_WORDS = ("label", "labels", "target", "targets", "class", "outcome", "y")
_PART_WORDS = frozenset(("label", "labels", "target", "class"))
_STEP_WORDS = frozenset(("slot", "slots", "tag", "tags"))
# Endings of the keys of a class that is stored twice, as text and as a number.
_TEXT_WORDS, _NUMBER_WORDS = ("string", "text", "name"), ("index", "id", "idx", "int")
# For larger domains, classes are computed.
_MOST_CLASSES = 1_000
_MOST_NAMED = 8


def can_be_label(feature: SchemaFeature) -> bool:
    """Whether it is one value per record or step, a vector of numbers, or a list of terms."""
    if feature.is_scalar:
        return True
    if feature.shape is None:
        return feature.dtype != "float32"
    return feature.dtype != "string" and len(feature.shape) == 1


def find_labels(
    features: Sequence[SchemaFeature], keys: Sequence[str], notes: list[Note], taken: tuple[str | None, ...]
) -> list[SchemaFeature]:
    """The labels: the features with these keys (context first), or without keys a guess from names.

    Args:
        features: Features of the schema.
        keys: Keys of features that can be labels.
        notes: Receives notes on what was guessed.
        taken: Keys with another role.

    Raises:
        SpecError: The label cannot be guessed. The message lists the candidates.
    """
    if keys:
        able = [f for f in features if can_be_label(f)]
        return [min((f for f in able if f.key == key), key=lambda f: f.is_sequence) for key in keys]
    able = [f for f in features if can_be_label(f) and f.key not in taken]
    of_record = [f for f in able if not f.is_sequence]
    scalars = [f for f in of_record if f.is_scalar]
    steps = [f for f in able if f.is_sequence]
    for why, found in (
        ("by its name", _those(scalars, lambda f: f.key.lower() in _LABEL_WORDS)),
        ("it is missing from an environment", _those(scalars, lambda f: f.is_for_training_only)),
        ("by the last part of its key", _those(scalars, lambda f: "_".join(words_of(f.key)) in _LABEL_WORDS)),
        ("by its name", _those(scalars, _is_called_so)),
        ("by its name", _those(of_record, _is_called_so)),
        ("by its name, among the steps", _those(steps, lambda f: _is_called_so(f) or bool(_words(f) & _STEP_WORDS))),
        (
            "a vector of the record beside one numeric sequence",
            _those(of_record, lambda f: forecast_target(f, features) is not None),
        ),
    ):
        found = _without_numbers_of_texts(found)
        if len(found) == 1:
            notes.append(Note("label", f"guessed: {why}"))
            return found
        if found:
            raise _not_told(found)
    raise _not_told([*scalars, *(f for f in steps if f.is_scalar)])


def forecast_target(feature: SchemaFeature, features: Sequence[SchemaFeature]) -> SchemaFeature | None:
    """The only numeric sequence feature, if the record's vector may be its next values; otherwise None."""
    is_vector = feature.shape is not None and len(feature.shape) == 1 and feature.shape[0] > 1
    if feature.is_sequence or feature.dtype != "float32" or not is_vector:
        return None
    numbers = [f for f in features if f.is_sequence and f.dtype == "float32"]
    return numbers[0] if len(numbers) == 1 and numbers[0].is_scalar else None


def label_fields(
    feature: SchemaFeature, features: Sequence[SchemaFeature], notes: list[Note], where: str = "label"
) -> dict[str, Any]:
    """Fields of the `Label`; guesses about its kind become notes.

    Args:
        feature: The label.
        features: All features of the schema.
        notes: Receives notes on what was guessed.
        where: The label's place in the spec.
    """
    target = forecast_target(feature, features)
    if target is not None:
        return _forecast_fields(feature, target, features, notes, where)
    fields: dict[str, Any] = {"key": feature.key, "dtype": feature.dtype}
    if feature.is_sequence:
        fields["per_step"] = True
    if feature.shape is None:
        fields["type"] = "multi_label"
    elif not feature.is_scalar:
        fields["shape"] = feature.shape
        fields["type"] = "regression"
        notes.append(Note(where, "numbers; if they are 0 and 1, one per class, use type: multi_label"))
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
            notes.append(Note(where, "integers, treated as classes; if they are a quantity, use type: regression"))
    if classes is not None and 2 <= len(classes) <= _MOST_CLASSES:
        notes.append(Note(where, "all known classes; any other is an error"))
        fields["classes"] = classes
    return fields


NEXT_STEP = "no other feature has its steps, so the network predicts it from the steps before"


def next_step_column(label: dict[str, Any]) -> dict[str, Any]:
    """The column that reads a label of steps itself, in a network that predicts its next value.

    >>> next_step_column({"key": "page", "dtype": "string", "classes": ("a", "b")})
    {'type': 'categorical', 'dtype': 'string', 'vocabulary_list': ('a', 'b')}
    """
    dtype = label.get("dtype", "string")
    if label.get("shape") or label.get("type") in ("regression", "distribution"):
        return {"type": "numeric", "dtype": dtype, **({"shape": label["shape"]} if label.get("shape") else {})}
    several = {"multi_valued": True} if label.get("type") == "multi_label" else {}
    known = {"vocabulary_list": label["classes"]} if label.get("classes") and dtype == "string" else {"vocabulary": {}}
    return {"type": "categorical", "dtype": dtype, **known, **several}


def head_names(keys: Sequence[str]) -> list[str]:
    """Names of the heads of several labels: the words of the last parts of their keys.

    >>> head_names(["clip/label/string", "region/label/string", "3d"])
    ['label_string', 'region_label_string', 'label_3d']
    """
    found: list[str] = []
    for key in keys:
        parts = [word for part in re.split(r"[/:]", key) for word in words_of(part)] or ["label"]
        name = ""
        for first in range(len(parts) - 1, -1, -1):
            name = "_".join(parts[first:])
            name = name if re.match("[a-z]", name) and name != "id" else f"label_{name}"
            plain = first == 0 or name not in (*_TEXT_WORDS, *_NUMBER_WORDS)
            if plain and name not in found:
                break
        whole, number = name, 2
        while name in found:
            name, number = f"{whole}_{number}", number + 1
        found.append(name)
    return found


def _forecast_fields(
    feature: SchemaFeature, target: SchemaFeature, features: Sequence[SchemaFeature], notes: list[Note], where: str
) -> dict[str, Any]:
    size = (feature.shape or ())[0]
    text = (
        f"a vector of {size} numbers beside the numeric sequence '{target.key}', treated as the values after its "
        f"last step; if it is something else, use {{type: regression, shape: [{size}]}}"
    )
    notes.append(Note(where, text))
    fields = {"key": feature.key, "type": "forecast", "horizon": size, "target": target.key}
    scales = [f for f in features if not f.is_sequence and f.is_scalar and f.dtype == "float32" and _is_scale(f)]
    if len(scales) == 1:
        notes.append(Note(where, f"'{scales[0].key}' is treated as the scale by which MASE divides the error"))
        fields["mase_scale"] = scales[0].key
    return fields


def _is_scale(feature: SchemaFeature) -> bool:
    return words_of(feature.key)[-1:] == ["scale"]


def _words(feature: SchemaFeature) -> set[str]:
    return {word for part in re.split(r"[/:]", feature.key) for word in words_of(part)}


def _is_called_so(feature: SchemaFeature) -> bool:
    return bool(_words(feature) & _PART_WORDS)


def _those(features: list[SchemaFeature], are: Callable[[SchemaFeature], bool]) -> list[SchemaFeature]:
    return [feature for feature in features if are(feature)]


def _without_numbers_of_texts(found: list[SchemaFeature]) -> list[SchemaFeature]:
    """Removes `x/index` if `x/string` contains the same as text."""
    texts = {_stem(f) for f in found if _last_word(f) in _TEXT_WORDS}
    return [f for f in found if not (_last_word(f) in _NUMBER_WORDS and _stem(f) in texts)]


def _last_word(feature: SchemaFeature) -> str:
    return next(iter(reversed(words_of(feature.key))), "")


def _stem(feature: SchemaFeature) -> str:
    return re.sub(r"[^A-Za-z0-9]*[A-Za-z0-9]+$", "", feature.key)


def _not_told(candidates: Sequence[SchemaFeature]) -> SpecError:
    fix = "Write a label into the records: in the context, or one per step."
    if candidates:
        lines = [f"--label {shlex.quote(f.key)}{'  (of steps)' * f.is_sequence}" for f in candidates[:_MOST_NAMED]]
        fix = (
            "Choose the label with one of these options, or several labels with several of them:\n    "
            + "\n    ".join(lines)
        )
    return SpecError(
        "The label cannot be guessed from the schema.",
        expected="one feature called label, target or class; or the label's key",
        received=f"the candidates {shortened(f.key for f in candidates)}" if candidates else "no such feature",
        fix=fix,
    )
