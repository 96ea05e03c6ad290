"""The `tuning` section of a spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from tfx_sequences.errors import did_you_mean, shortened
from tfx_sequences.schemas.columns.base import AsTuple, Declared
from tfx_sequences.schemas.spec.training_options import better_direction

SECTIONS = ("model", "training")


class Parameter(Declared):
    """The candidate values of one key: choices, or a range."""

    choices: Annotated[tuple[Any, ...], AsTuple] | None = None
    """The values, in the key's own type: lists for `model.units`."""
    min: int | float | None = None
    max: int | float | None = None
    """If both ends are integers, only integers are searched."""
    step: int | float | None = pydantic.Field(None, gt=0)
    """Distance between two values of a linear range."""
    scale: Literal["linear", "log"] = "linear"
    """`log` searches all orders of magnitude equally."""

    @pydantic.model_validator(mode="after")
    def _check(self) -> Parameter:
        if (self.choices is None) == (self.min is None and self.max is None):
            raise ValueError("set choices, or min and max")
        if self.choices is not None:
            if not self.choices or self.step is not None or self.scale != "linear":
                raise ValueError("choices needs at least one value, and cannot be combined with step or scale")
            return self
        if self.min is None or self.max is None or self.min >= self.max:
            raise ValueError("a range needs min and max, and min below max")
        if self.scale == "log" and (self.min <= 0 or self.step is not None):
            raise ValueError("a log scale needs min above 0, and cannot have a step")
        if self.is_whole and isinstance(self.step, float):
            raise ValueError("a range of integers needs an integer step")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether both ends are integers."""
        return isinstance(self.min, int) and isinstance(self.max, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """All choices, or both ends of the range."""
        return self.choices if self.choices is not None else (self.min, self.max)


class Tuning(Declared):
    """The Tuner's search before training; the Trainer takes the best values."""

    parameters: dict[str, Parameter] = pydantic.Field(min_length=1)
    """Candidate values by the key's path, such as `model.units` or `training.learning_rate`."""
    algorithm: Literal["random", "bayesian", "hyperband"] = "bayesian"
    """`hyperband` trains many trials for a few epochs, and the best ones longer."""
    max_trials: pydantic.PositiveInt = 20
    """Maximum number of trials; hyperband determines the number itself."""
    epochs: pydantic.PositiveInt | None = None
    """Maximum number of epochs per trial; None uses that of `training`."""
    objective: str | None = None
    """The metric of the best epoch by which trials are compared; None uses `training.monitor`."""
    direction: Literal["auto", "min", "max"] = "auto"
    """Whether lower or higher is better; `auto` works as in `training`."""

    def direction_of(self, monitored: Literal["min", "max"]) -> Literal["min", "max"]:
        """The direction of the objective.

        Args:
            monitored: The direction of `training.monitor`, which is the default objective.

        >>> parameters = {"model.dropout": Parameter(min=0.0, max=0.5)}
        >>> Tuning(parameters=parameters, objective="val_accuracy").direction_of("min")
        'max'
        """
        if self.direction != "auto":
            return self.direction
        return monitored if self.objective is None else better_direction(self.objective)

    def check(self, sections: Mapping[str, Declared]) -> None:
        """Raises `ValueError` if a value is not valid for its key.

        Args:
            sections: The sections of the spec, by name.
        """
        for path, parameter in self.parameters.items():
            for value in parameter.ends:
                try:
                    with_values(sections, {path: value})
                except pydantic.ValidationError as error:
                    words = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                    raise ValueError(f"tuning.parameters.{path} cannot be {value!r}: {words}") from None


def with_values(sections: Mapping[str, Declared], values: Mapping[str, Any]) -> dict[str, Declared]:
    """Sections of a spec with new values.

    Args:
        sections: The sections by name.
        values: The values by the key's path; a tuner's own values, such as `tuner/epochs`, are ignored.

    Raises:
        ValueError: A key does not exist.
        pydantic.ValidationError: A value is not valid for its key.

    >>> from tfx_sequences.schemas.spec.model_options import Model
    >>> with_values({"model": Model()}, {"model.units": [8, 4]})["model"].units
    (8, 4)
    """
    plain = {name: section.model_dump(mode="json") for name, section in sections.items()}
    for path, value in values.items():
        if "/" in path:
            continue
        *parents, key = path.split(".")
        place: Any = plain
        for part in (*parents, key):
            if not isinstance(place, dict) or part not in place:
                known = sorted(place) if isinstance(place, dict) else []
                raise ValueError(
                    f"tuning.parameters: the key '{path}' does not exist.{did_you_mean(part, known)} {_known(known)}"
                )
            if part is not key:
                place = place[part]
        if not parents:
            raise ValueError(f"tuning.parameters: '{path}' is a whole section; name one of its keys")
        place[key] = value
    return {name: type(section).model_validate_json(json.dumps(plain[name])) for name, section in sections.items()}


def _known(names: list[str]) -> str:
    return f"Known keys: {shortened(names)}." if names else ""
