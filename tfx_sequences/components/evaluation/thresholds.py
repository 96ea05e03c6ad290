"""Whether an evaluated model may be blessed: its metrics beside the spec's thresholds and the last blessed model."""

from __future__ import annotations

from collections.abc import Mapping

from tfx_sequences.schemas.spec.evaluation_options import Evaluation

_BEFORE = "the value of the last blessed model"


def missed_thresholds(evaluation: Evaluation, metrics: Mapping[str, float], baseline: Mapping[str, float]) -> list[str]:
    """Describes the thresholds that the metrics miss, and where they are worse than the last blessed model.

    Args:
        evaluation: The spec's section.
        metrics: The metrics of the whole test split, by name.
        baseline: Those of the last blessed model; empty if nothing is compared.

    >>> bounds = Evaluation(thresholds={"accuracy": {"min": 0.5}}, baseline={"loss": {"max_rise": 0.1}})
    >>> missed_thresholds(bounds, {"accuracy": 0.25, "loss": 0.5}, {"loss": 0.45})
    ['accuracy 0.2500 is below 0.5']
    """
    missed = []
    for name, bounds in evaluation.thresholds.items():
        value = metrics.get(name)
        if value is None:
            missed.append(f"{name} was not measured")
        elif bounds.min is not None and value < bounds.min:
            missed.append(f"{name} {value:.4f} is below {bounds.min:g}")
        elif bounds.max is not None and value > bounds.max:
            missed.append(f"{name} {value:.4f} is above {bounds.max:g}")
    for name, change in evaluation.baseline.items() if baseline else ():
        value, before = metrics.get(name), baseline.get(name)
        if value is None or before is None:
            missed.append(f"{name} was not measured")
        elif change.max_drop is not None and value - before < -change.max_drop:
            missed.append(f"{name} {value:.4f} is more than {change.max_drop:g} below {before:.4f}, {_BEFORE}")
        elif change.max_rise is not None and value - before > change.max_rise:
            missed.append(f"{name} {value:.4f} is more than {change.max_rise:g} above {before:.4f}, {_BEFORE}")
    return missed
