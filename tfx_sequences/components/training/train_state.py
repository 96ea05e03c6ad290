"""The complete state of training: variables, callbacks, position. As arrays and plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from tfx_sequences.components.input.input_state import InputState
from tfx_sequences.errors import UserInputError

# The state of Keras callbacks between epochs, in addition to weights.
_REMEMBERED: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
}
_BEST_WEIGHTS = "best_weights"
_METRIC = "metric"


@dataclasses.dataclass(frozen=True)
class Position:
    """The position of training.

    Attributes:
        epoch: The epoch, counted from 0.
        step: Steps of the epoch that are done.
        input: The position of the input.
        history: Metrics of the previous epochs, by name.
    """

    epoch: int
    step: int
    input: InputState
    history: dict[str, list[float]]

    def to_plain(self) -> dict[str, Any]:
        """Converts to plain data."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**plain, "input": self.input.model_dump(mode="json")}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Position:
        """The inverse of `to_plain`."""
        return cls(**{**plain, "input": InputState.model_validate(plain["input"])})


@dataclasses.dataclass(frozen=True)
class TrainState:
    """The state of training between two steps.

    Attributes:
        arrays: Variables of the model (including the states of dropout's random numbers), the optimizer
            and the metrics, and the best weights so far.
        plain: Everything else, as data for JSON.
    """

    arrays: dict[str, np.ndarray]
    plain: dict[str, Any]

    @classmethod
    def of(cls, model: keras.Model, callbacks: Iterable[keras.callbacks.Callback], position: Position) -> TrainState:
        """The state of a model in training."""
        arrays = {name: ops.convert_to_numpy(variable) for name, variable in _variables(model).items()}
        remembered = []
        for index, callback in enumerate(filter(_remembered, callbacks)):
            best = getattr(callback, _BEST_WEIGHTS, None)
            arrays |= {f"callback{index}/{i}": weight for i, weight in enumerate(best or [])}
            remembered.append({name: _plain(getattr(callback, name)) for name in _remembered(callback)})
        return cls(arrays, {"position": position.to_plain(), "callbacks": remembered})

    def restore(self, model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]) -> Position:
        """Applies this state to a newly built model and to callbacks that have started.

        Raises:
            UserInputError: The state belongs to another model.
        """
        callbacks = list(filter(_remembered, callbacks))
        variables = _variables(model)
        received = {name: array.shape for name, array in self.arrays.items() if not name.startswith("callback")}
        expected = {name: tuple(variable.shape) for name, variable in variables.items()}
        if received != expected or len(self.plain["callbacks"]) != len(callbacks):
            differing = sorted(n for n in received.keys() | expected if received.get(n) != expected.get(n))
            raise UserInputError(
                "The backup belongs to a different model.",
                expected=f"{len(expected)} variables of the model's shapes",
                received=f"{len(received)} variables; different are {', '.join(differing[:3]) or 'the callbacks'}",
                fix="Delete the backup, or train with the spec that created it.",
            )
        for name, variable in variables.items():
            variable.assign(self.arrays[name])
        for index, (callback, remembered) in enumerate(zip(callbacks, self.plain["callbacks"], strict=True)):
            for name, value in remembered.items():
                setattr(callback, name, value)
            best = [name for name in self.arrays if name.startswith(f"callback{index}/")]
            if best:
                callback.best_weights = [self.arrays[f"callback{index}/{i}"] for i in range(len(best))]
        return Position.from_plain(self.plain["position"])

    def restore_metrics(self, model: keras.Model) -> None:
        """Restores only the state of the metrics."""
        for name, variable in _variables(model).items():
            if name.startswith(_METRIC):
                variable.assign(self.arrays[name])


def _variables(model: keras.Model) -> dict[str, Any]:
    """Every variable once, in the order of creation."""
    parts = {
        "model": model.variables,
        "optimizer": model.optimizer.variables,
        _METRIC: [variable for metric in model.metrics for variable in metric.variables],
    }
    found, seen = {}, set()
    for part, variables in parts.items():
        for index, variable in enumerate(variables):
            if id(variable) not in seen:
                seen.add(id(variable))
                found[f"{part}/{index}"] = variable
    return found


def _remembered(callback: keras.callbacks.Callback) -> tuple[str, ...]:
    return next((names for kind, names in _REMEMBERED.items() if isinstance(callback, kind)), ())


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int) else float(value)
