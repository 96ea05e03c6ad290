"""Names of losses and measures that a label chooses: those of its kind, and paths of functions of one's own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.kinds.label_fields import LabelFields

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_NUMBER = r"([1-9]\d*)"


def is_path(name: str) -> bool:
    """Whether a name is the path of a function.

    >>> is_path("my_package.errors.relative"), is_path("huber")
    (True, False)
    """
    return _PATH.fullmatch(name) is not None


def number_in(measure: str, pattern: str) -> int | None:
    """The number that stands for `K` in a name; None if the name does not have this pattern.

    >>> number_in("top_5_accuracy", "top_K_accuracy"), number_in("mrr", "top_K_accuracy")
    (5, None)
    """
    found = re.fullmatch(re.escape(pattern).replace("K", _NUMBER), measure)
    return int(found[1]) if found else None


def options_of(label: LabelFields, losses: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The parameters of a label's loss: those that it sets, and the defaults of the others."""
    return {**losses.get(label.loss or "", {}), **label.loss_options}


def check_loss(label: LabelFields, losses: Mapping[str, Mapping[str, float]]) -> None:
    """Checks the name of the loss and its parameters.

    Args:
        label: The label.
        losses: The losses of its kind, with their parameters.

    Raises:
        ValueError: The loss is unknown, or does not have one of the parameters.
    """
    if label.loss is None:
        if label.loss_options:
            raise ValueError("loss_options are the parameters of `loss`, which is not set")
        return
    if is_path(label.loss):
        if label.loss_options:
            raise ValueError("loss_options are for the losses that have names; set them within your own function")
        for field in ("class_weights", "label_smoothing", "sampled_softmax"):
            if getattr(label, field):
                raise ValueError(f"{field} is not used by a loss of your own: compute it in {label.loss}")
    elif label.loss not in losses:
        known = ", ".join(losses) or "`forecast.loss`"
        hint = did_you_mean(label.loss, losses)
        raise ValueError(f"loss: '{label.loss}' is not a loss of {label.type}.{hint} Use a function's path, or {known}")
    for name in label.loss_options.keys() - losses.get(label.loss, {}).keys():
        raise ValueError(f"loss_options: {label.loss} does not have the parameter '{name}'")


def check_measures(label: LabelFields, usual: tuple[str, ...], further: tuple[str, ...]) -> None:
    """Checks the names of further metrics.

    Args:
        label: The label.
        usual: The metrics that every label of the kind has.
        further: The further ones of its kind.

    Raises:
        ValueError: A metric is unknown or occurs twice, or a path is not one.
    """
    for name in label.measures:
        if not any(name == known or number_in(name, known) for known in further):
            hint = did_you_mean(name, further)
            raise ValueError(
                f"measures: '{name}' is not a further metric of {label.type}.{hint} Use {', '.join(further) or 'none'}"
            )
    for name, path in label.own_measures.items():
        if not is_path(path):
            raise ValueError(f"own_measures: '{name}' needs the path of a function, my_package.my_module.my_error")
        if not re.fullmatch(r"\w+", name):
            raise ValueError(f"own_measures: the name '{name}' may have letters, digits and underscores only")
    names = (*usual, *label.measures, *label.own_measures)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the metric '{name}' occurs twice: each label has {', '.join(usual)} already")
