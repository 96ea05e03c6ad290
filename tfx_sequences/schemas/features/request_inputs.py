"""Names of raw features, and markers of missing values, in requests that are not records.

The names of the inputs of the signature `serving_tensors`, and the keys of the plain rows that requests are
built from.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

from tfx_sequences.schemas.columns.names import MISSING_INT
from tfx_sequences.schemas.features.raw_features import RawFeature, served_features
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LENGTHS_INPUT = "sequence_length"
# By dtype, the marker of a missing value in a tensor.
MISSING: dict[str, str | int | float] = {"string": "", "int64": MISSING_INT, "float32": float("nan")}
# These cannot be names of arguments of a TensorFlow function.
_TAKEN = (LENGTHS_INPUT, "self")


@dataclasses.dataclass(frozen=True)
class RequestInput:
    """One raw feature, as a padded tensor.

    Attributes:
        name: The name of the tensor.
        feature: The feature.
    """

    name: str
    feature: RawFeature

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Context `[B, *shape]`, sequence `[B, T, *shape]`; `[B, V]` and `[B, T, V]` for several values."""
        several = (None,) if self.feature.multi_valued else ()
        return (None, *((None,) if self.feature.is_sequence else ()), *self.feature.shape, *several)


def request_inputs(spec: SequenceSpec) -> dict[str, RequestInput]:
    """The inputs that a prediction needs, by tensor name.

    The name is the feature's key, with `_` for every character other than letters, digits and `_`. If two names
    would be equal, or equal to `sequence_length`, they are `context_KEY` and `sequence_KEY`.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> {name: given.shape for name, given in request_inputs(load_spec("japanese_vowels")).items()}
    {'lpc': (None, None, 12)}
    """
    features = served_features(spec)
    plain = [_identifier(feature.key) for feature in features]
    common = Counter([*plain, *_TAKEN])
    found: dict[str, RequestInput] = {}
    for base, feature in zip(plain, features, strict=True):
        placed = f"{'sequence' if feature.is_sequence else 'context'}_{base}"
        candidates = [base] if common[base] == 1 else [placed, *(f"{placed}_{n}" for n in range(2, len(plain) + 2))]
        name = next(c for c in candidates if c == base or (c not in found and c not in plain))
        found[name] = RequestInput(name, feature)
    return found


def needs_lengths(spec: SequenceSpec) -> bool:
    """Whether any feature has steps; text in the context is not split into steps yet."""
    return any(given.feature.is_sequence for given in request_inputs(spec).values())


def why_no_examples(spec: SequenceSpec) -> str | None:
    """Why a `tf.Example`, which only has named flat lists, cannot hold the inputs; None if it can.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> why_no_examples(load_spec("japanese_vowels"))
    """
    features = served_features(spec)
    context = {feature.key for feature in features if not feature.is_sequence}
    for feature in features:
        if feature.is_sequence and feature.multi_valued:
            return f"'{feature.key}' has any number of values per step, which a flat list cannot separate"
        if feature.is_sequence and feature.key in context:
            return f"'{feature.key}' is a context and a sequence feature, and a tf.Example has one feature of a name"
    return None


def _identifier(key: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", key)
    return name if re.match("[A-Za-z]", name) else f"x_{name.lstrip('_')}"
