"""The kinds of labels by the name that a spec writes as `type`."""

from __future__ import annotations

from tfx_sequences.schemas.kinds.classification import DeclaredClassification
from tfx_sequences.schemas.kinds.declared_kind import DeclaredKind
from tfx_sequences.schemas.kinds.distribution import DeclaredDistribution
from tfx_sequences.schemas.kinds.forecast import DeclaredForecast
from tfx_sequences.schemas.kinds.multi_label import DeclaredMultiLabel
from tfx_sequences.schemas.kinds.regression import DeclaredRegression

_KINDS: dict[str, DeclaredKind] = {
    kind.name: kind
    for kind in (
        DeclaredClassification(),
        DeclaredMultiLabel(),
        DeclaredDistribution(),
        DeclaredRegression(),
        DeclaredForecast(),
    )
}


def declared_kind(name: object) -> DeclaredKind | None:
    """The kind of a name; None if no kind has it.

    >>> declared_kind("forecast").from_windows, declared_kind("poetry")
    (True, None)
    """
    return _KINDS.get(name) if isinstance(name, str) else None


def kind_named(name: str) -> DeclaredKind:
    """The kind of this name.

    Raises:
        KeyError: No kind has it.
    """
    return _KINDS[name]


def kind_names() -> tuple[str, ...]:
    """All names, ours first."""
    return tuple(_KINDS)


def declare(kind: DeclaredKind) -> None:
    """Adds a kind. The same one may be added again.

    Raises:
        ValueError: Another kind has its name.
    """
    other = _KINDS.setdefault(kind.name, kind)
    if type(other) is not type(kind):
        raise ValueError(f"a kind of label called '{kind.name}' exists already: {type(other).__name__}")
