"""The kinds of labels, registered by the `type` that a label declares."""

from __future__ import annotations

from tfx_sequences.components.kinds.classification import Classification
from tfx_sequences.components.kinds.distribution import Distribution
from tfx_sequences.components.kinds.forecast import Forecasting
from tfx_sequences.components.kinds.label_kind import LabelKind
from tfx_sequences.components.kinds.multi_label import MultiLabel
from tfx_sequences.components.kinds.regression import Regression
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.kinds.registry import declare
from tfx_sequences.schemas.spec.label import Label

_KINDS: dict[str, LabelKind] = {
    kind.declared.name: kind for kind in (Classification(), MultiLabel(), Distribution(), Regression(), Forecasting())
}


def kind_of(label: Label) -> LabelKind:
    """The kind of a label.

    Raises:
        SpecError: The kind is declared, but not implemented.

    >>> type(kind_of(Label(key="y", type="regression"))).__name__
    'Regression'
    """
    return kind_named(label.type)


def kind_named(name: str) -> LabelKind:
    """The kind of labels with this `type`.

    Raises:
        SpecError: The kind is declared, but not implemented.
    """
    if name not in _KINDS:
        raise SpecError(
            f"Labels of type '{name}' are declared, but not implemented.",
            expected=f"one of {', '.join(_KINDS)}",
            received=name,
            fix="Call `register` with the kind in the module that declares it.",
        )
    return _KINDS[name]


def register(kind: LabelKind) -> None:
    """Registers a kind and its declaration. The same kind may be registered again.

    Raises:
        ValueError: Another kind has the same name.
    """
    declare(kind.declared)
    other = _KINDS.setdefault(kind.declared.name, kind)
    if type(other) is not type(kind):
        raise ValueError(f"a kind of label called '{kind.declared.name}' exists already: {type(other).__name__}")
