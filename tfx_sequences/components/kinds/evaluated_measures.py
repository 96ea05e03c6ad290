"""The measures of a head in evaluation: those of training, and the further ones that its label asks for."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans, values_of
from tfx_sequences.components.kinds.own_functions_of_labels import OwnFunction
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label


def evaluated_measures(label: Label, classes: Sequence[str] = (), *, with_curve: bool) -> Measures:
    """The measures of a head, which also compute `measures` and `own_measures` of its label.

    Args:
        label: The label.
        classes: The classes, in the order of the outputs.
        with_curve: As in `LabelKind.measures`.

    >>> import tensorflow as tf
    >>> label = Label(key="y", type="regression", measures=("root_mean_squared_error",))
    >>> measures = evaluated_measures(label, with_curve=True)
    >>> sums = measures.sums(tf.constant([1.0, 2.0]), tf.constant([[1.0], [4.0]]), tf.ones(2))
    >>> round(measures.measured(sums.numpy().sum(0))["root_mean_squared_error"], 4)
    1.4142
    """
    kind = kind_of(label)
    parts: list[Sums] = [*kind.measures(label, classes, with_curve=with_curve).parts]
    if label.measures:
        parts += kind.further_parts(label, classes)
    if label.own_measures:
        functions = [
            OwnFunction(path, label, classes, f"own_measures.{name}") for name, path in label.own_measures.items()
        ]
        values = functools.partial(values_of, functions)
        parts.append(WeightedMeans((*label.own_measures,), values, per_step=label.per_step))
    return Measures(label, parts)
