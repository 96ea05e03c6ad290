"""Settings with the value `auto` in a spec: chosen from statistics of the training split.

`auto_settings` is a pure function of the spec and the statistics, so its choices are reproducible. They are printed
in the run's summary and report. A value in the spec always wins.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from tfx_sequences.schemas.columns.auto import AUTO
from tfx_sequences.schemas.spec.forecasts import forecast_heads
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec, is_from_context

_SMALLEST_BATCH, _LARGEST_BATCH = 8, 256
# Steps of a batch, in all windows of its records: 64 units need a few hundred megabytes for this number.
_STEPS_OF_A_BATCH = 1 << 16
_UNITS = 64
_MANY_TERMS = 1000
_FEWEST_EPOCHS, _MOST_EPOCHS = 15, 100
_STEPS_IN_ALL = 20_000
_SHORTEST_AVERAGE, _LONGEST_AVERAGE = 50, 500
# Up to this number of records, a second training on all of them takes minutes at most.
_REFITTED = 20_000
# Below this number of validation records, the best epoch of a single validation is mostly chance.
_FEW_VALIDATED = 100
_FOLDS = 5
# An improvement of the loss by less than this says nothing about new records.
_LEAST_NATS, _IN_NATS = 1e-4, ("cross_entropy", "focal")


@dataclasses.dataclass(frozen=True)
class SplitStatistics:
    """What is known about the training split before training.

    Attributes:
        records: Training records.
        steps: Their total number of steps.
        depth: Numbers per step in the network's input, including embedded ids.
        outputs: Numbers in its output, for all heads.
        terms: Size of the largest vocabulary.
        held_back: Training records that are held back for validation; 0 if the validation split has files of its own.
        later_features: Names of the heads whose label of a step equals a feature of a later step.
    """

    records: int
    steps: int
    depth: int = 0
    outputs: int = 0
    terms: int = 0
    held_back: int = 0
    later_features: tuple[str, ...] = ()


def auto_settings(spec: SequenceSpec, statistics: SplitStatistics | None = None) -> dict[str, Any]:
    """Chooses a value for each setting that is `auto` in the spec; the result is by path.

    Args:
        spec: The spec.
        statistics: Statistics of its training split; None assumes 1 000 records.

    >>> spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"})
    >>> chosen = auto_settings(spec, SplitStatistics(records=100_000, steps=3_000_000))
    >>> chosen["batching.batch_size"], chosen["training.epochs"], chosen["model.pooling"]
    (256, 52, 'concat')
    """
    known = statistics or SplitStatistics(records=1000, steps=20_000)
    found: dict[str, Any] = {}
    for path, choose in _CHOICES.items():
        section, field = path.split(".")
        if getattr(getattr(spec, section), field) == AUTO:
            found[path] = choose(spec, known, found)
    return found


def with_auto_settings(spec: SequenceSpec, statistics: SplitStatistics | None = None) -> SequenceSpec:
    """The spec with the values of `auto_settings`; a spec without `auto` is returned unchanged.

    Args:
        spec: The spec.
        statistics: Statistics of its training split; None assumes 1 000 records.
    """
    return with_settings(spec, auto_settings(spec, statistics))


def with_settings(spec: SequenceSpec, settings: Mapping[str, Any]) -> SequenceSpec:
    """The spec with these values of its settings.

    Args:
        spec: The spec.
        settings: The values by path, from `auto_settings` or from its result in JSON.
    """
    by_section: dict[str, dict[str, Any]] = {}
    for path, value in settings.items():
        section, field = path.split(".")
        by_section.setdefault(section, {})[field] = tuple(value) if isinstance(value, list) else value
    sections = {name: getattr(spec, name).model_copy(update=values) for name, values in by_section.items()}
    return spec.model_copy(update=sections) if sections else spec


def auto_batch_size(records: int, steps: int) -> int:
    """About the square root of the number of records, as a power of 2; smaller if records are long.

    Small data sets need many optimizer steps per record; large ones get enough steps in any case.

    >>> [auto_batch_size(n, 20 * n) for n in (100, 300, 10_000, 1_000_000)]
    [8, 16, 64, 256]
    >>> auto_batch_size(10_000, 10_000 * 4_000)
    16
    """
    size = 2 ** int(math.log2(max(records, 1)) / 2)
    fits = 2 ** int(math.log2(max(_STEPS_OF_A_BATCH * max(records, 1) / max(steps, 1), 1)))
    return min(max(_SMALLEST_BATCH, min(size, _LARGEST_BATCH)), max(fits, 1))


def _batch_size(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> int:
    del found
    return auto_batch_size(known.records, known.steps * _windows(spec))


def _windows(spec: SequenceSpec) -> int:
    return max((label.forecast.windows for label in forecast_heads(spec).values() if label.forecast), default=1) or 1


def _steps_per_epoch(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> float:
    if spec.training.steps_per_epoch:
        return spec.training.steps_per_epoch
    size = found.get("batching.batch_size", spec.batching.batch_size)
    return max(1.0, known.records / size)


def _bidirectional(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> bool:
    """False if the labels are predictions of later steps."""
    del found
    features = {column.key for column in spec.sequence.values() if not is_from_context(column)}
    repeats = any(label.per_step and label.key in features for label in spec.heads.values())
    return not (forecast_heads(spec) or repeats or known.later_features)


def _pooling(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> str:
    """A forecast continues from the last step; the evidence for other labels may be at any step."""
    del known, found
    return "last" if forecast_heads(spec) else "concat"


def _units(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> tuple[int, ...]:
    """The state must be large enough for the outputs: the 88 keys of a piano need more than two classes."""
    del spec, found
    return (max(_UNITS, min(4 * _UNITS, _UNITS * round((known.depth + known.outputs) / _UNITS))),)


def _dropout(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> float:
    """Rare terms identify records, so a network overfits to them quickly."""
    del spec, found
    return 0.5 if known.terms > _MANY_TERMS else 0.2


def _learning_rate(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> float:
    """Adam's updates are equally large for rare terms, so a large vocabulary needs a smaller learning rate."""
    del spec, found
    return 0.001 if known.terms > _MANY_TERMS else 0.003


def _epochs(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> int:
    """Early stopping usually ends training sooner; large data sets need fewer epochs."""
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, math.ceil(_STEPS_IN_ALL / _steps_per_epoch(spec, known, found))))


def _ema_momentum(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> float:
    """An average over about one epoch: long enough to smooth the last steps, short enough to follow the training."""
    steps = _steps_per_epoch(spec, known, found)
    return round(1 - 1 / max(_SHORTEST_AVERAGE, min(_LONGEST_AVERAGE, steps)), 4)


def _min_delta(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> float:
    """The scale of a likelihood is known, the scale of other losses is not."""
    del known, found
    in_nats = all(label.has_classes and label.loss in (None, *_IN_NATS) for label in spec.heads.values())
    return _LEAST_NATS if in_nats and spec.training.monitor == "val_loss" else 0.0


def _refit(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> bool:
    del found
    return bool(known.held_back) and known.records <= _REFITTED and spec.training.strategy != "multi_worker"


def _folds(spec: SequenceSpec, known: SplitStatistics, found: Mapping[str, Any]) -> int:
    refitted = found.get("training.refit", spec.training.refit)
    return _FOLDS if refitted and known.held_back < _FEW_VALIDATED else 1


_CHOICES: dict[str, Callable[[SequenceSpec, SplitStatistics, Mapping[str, Any]], Any]] = {
    # Each function may use the values of the functions before it.
    "batching.batch_size": _batch_size,
    "model.bidirectional": _bidirectional,
    "model.pooling": _pooling,
    "model.units": _units,
    "model.dropout": _dropout,
    "training.learning_rate": _learning_rate,
    "training.epochs": _epochs,
    "training.ema_momentum": _ema_momentum,
    "training.early_stopping_min_delta": _min_delta,
    "training.refit": _refit,
    "training.folds": _folds,
}
