"""Warm start: a network starts with the weights of an earlier model; rows are matched by term and class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from absl import logging
from keras import ops

from tfx_sequences.components.network.named_weights import (
    WEIGHTS,
    NamedAxis,
    NamedWeights,
    read_weights,
    weights_by_name,
)
from tfx_sequences.components.serving.model_card import find_model, read_card
from tfx_sequences.errors import UserInputError


@dataclasses.dataclass
class WarmStart:
    """The weights that a network took from an earlier model.

    Attributes:
        model: Folder of the earlier model.
        whole: Weights that were copied completely.
        by_name: Weights whose rows (or classes) were matched by name: the numbers of rows that were `matched`, that are
            `new` in this model, and that were `dropped` with the earlier one.
        new: Weights that the earlier model does not have.
        other_shape: Weights with a different shape, which keep their initial values, and how they differ.
        dropped: Weights that only the earlier model has.
    """

    model: str
    whole: list[str] = dataclasses.field(default_factory=list)
    by_name: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    new: list[str] = dataclasses.field(default_factory=list)
    other_shape: dict[str, str] = dataclasses.field(default_factory=dict)
    dropped: list[str] = dataclasses.field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Converts to plain data."""
        return dataclasses.asdict(self)

    def lines(self) -> list[str]:
        """Describes the warm start, line by line.

        >>> WarmStart("m/1", ["gru/0/kernel"], {"tables/word": {"matched": 8, "new": 2, "dropped": 1}}).lines()
        ['1 weights copied from m/1', 'tables/word: 8 matched by name, 2 new, 1 dropped']
        """
        lines = [f"{len(self.whole)} weights copied from {self.model}"]
        for name, counts in self.by_name.items():
            lines.append(
                f"{name}: {counts['matched']} matched by name, {counts['new']} new, {counts['dropped']} dropped"
            )
        lines += [f"{name}: newly initialized: {shapes}" for name, shapes in self.other_shape.items()]
        if self.new:
            lines.append(f"only in this model, so newly initialized: {', '.join(self.new)}")
        if self.dropped:
            lines.append(f"only in the earlier model, so not used: {', '.join(self.dropped)}")
        return lines


def warm_start(model: keras.Model, axes: Mapping[str, NamedAxis], path: str) -> WarmStart:
    """Copies the weights of an earlier model to a newly built network.

    A weight is matched by its layer and name. Rows of embedding tables are matched by their terms, outputs of
    heads by their classes, and ids of out-of-vocabulary terms by their number. Weights without a match keep
    their initial values.

    Args:
        model: The network, from `build_model`.
        axes: The named axes, from `named_axes`.
        path: A pushed model, or the output folder of a run.

    Returns:
        What was matched.

    Raises:
        UserInputError: The model does not exist or is damaged, has no named weights, or none of them match.
    """
    folder = str(find_model(path))
    read_card(folder)
    try:
        earlier = read_weights(folder)
    # Whatever is wrong with the file: it is not what was written.
    except Exception as error:
        raise UserInputError(
            f"Cannot warm-start from the model in {folder}: its named weights are damaged.",
            expected=f"{WEIGHTS} as it was exported",
            received=f"{type(error).__name__}: {' '.join(str(error).split())[:200]}",
            fix="Copy the whole folder of the model again, or remove training.warm_start.",
        ) from error
    if earlier is None:
        raise UserInputError(
            f"Cannot warm-start from the model in {folder}: its weights have no names.",
            expected="a model exported by this version",
            received="a model without assets.extra/tfx_sequences_weights.npz",
            fix="Train and push the earlier model again, or remove training.warm_start.",
        )
    done = WarmStart(folder)
    variables = weights_by_name(model)
    for name, variable in variables.items():
        if name not in earlier.arrays:
            done.new.append(name)
            continue
        value = ops.convert_to_numpy(variable)
        started = _matched(name, value, axes.get(name), earlier, done)
        if started is not None:
            variable.assign(started)
    done.dropped = sorted(earlier.arrays.keys() - variables)
    if not done.whole and not any(counts["matched"] for counts in done.by_name.values()):
        raise UserInputError(
            f"The model in {folder} has no weights that match this network.",
            expected=f"weights such as {', '.join(list(variables)[:3])}",
            received=", ".join([*done.other_shape, *done.dropped][:3]),
            fix="Use a model of a similar spec, or remove training.warm_start.",
        )
    for line in done.lines():
        logging.info("Warm start: %s", line)
    return done


def _matched(
    name: str, value: np.ndarray, axis: NamedAxis | None, earlier: NamedWeights, done: WarmStart
) -> np.ndarray | None:
    """The value with the matching parts of the earlier model; None if nothing matches. Records the result."""
    old, old_axis = earlier.arrays[name], earlier.axes.get(name)
    if axis is None or old_axis is None:
        if old.shape == value.shape and axis is None and old_axis is None:
            done.whole.append(name)
            return old
    elif axis.axis == old_axis.axis and _but(old.shape, axis.axis) == _but(value.shape, axis.axis):
        places = _places(old_axis.names, old.shape[axis.axis])
        wanted = _places(axis.names, value.shape[axis.axis])
        common = [label for label in wanted if label in places]
        started = np.moveaxis(value.copy(), axis.axis, 0)
        started[[wanted[label] for label in common]] = np.moveaxis(old, axis.axis, 0)[
            [places[label] for label in common]
        ]
        done.by_name[name] = {
            "matched": len(common),
            "new": len(wanted) - len(common),
            "dropped": len(places) - len(common),
        }
        return np.moveaxis(started, 0, axis.axis)
    if old.shape == value.shape:
        done.other_shape[name] = f"{value.shape}, but only one of the models has terms for its rows"
    else:
        done.other_shape[name] = f"{old.shape} before, {value.shape} now"
    return None


def _places(names: tuple[str, ...], size: int) -> dict[str | int, int]:
    """The position of each name; elements after the named ones are identified by number."""
    found: dict[str | int, int] = {name: place for place, name in enumerate(names)}
    return found | {number: len(names) + number for number in range(size - len(names))}


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
