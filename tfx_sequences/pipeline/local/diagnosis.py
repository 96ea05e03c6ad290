"""What the metrics of a run say about its training, and what to try next.

Pure functions: metrics in, findings out. A finding never stops a run or changes its verdict; thresholds do that.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from tfx_sequences.errors import four_parts
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.columns.column import CategoricalColumn
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
from tfx_sequences.schemas.spec.forecast_labels import forecast_options
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.training_options import better_direction

# Components of a metric that say little alone: a model can trade one of them for the other.
_PARTS = ("span_precision", "span_recall")
# A metric still improves if the last quarter of the epochs gained this share of what was left to gain; a learning rate
# that falls until the last epoch is meant to give some gain at the end.
_STILL_GAINING, _GAINING_DESPITE_DECAY = 0.01, 0.1
# And this share of what the whole training gained: a loss that is zero but for rounding falls for ever.
_OF_ALL_GAINS = 0.001
# Accuracies are far apart if they differ by this much, and by this number of standard errors.
_FAR, _STANDARD_ERRORS = 0.05, 3.0
# Errors and losses are far apart if one is this many times the other, on at least this many records.
_TIMES, _ENOUGH_RECORDS = 1.5, 50


@dataclasses.dataclass(frozen=True)
class Finding:
    """A conclusion from the metrics.

    Attributes:
        kind: The kind of finding.
        what: What was found.
        expected: What a good run would have.
        received: The metrics.
        fix: What to try next.
    """

    kind: Literal["no_better_than_naive", "ended_by_the_epoch_limit", "overfitting", "validation_far_from_test", "leak"]
    what: str
    expected: str
    received: str
    fix: str

    @property
    def text(self) -> str:
        """The whole finding, as lines of text."""
        return four_parts(self.what, self.expected, self.received, self.fix)


@dataclasses.dataclass(frozen=True)
class Figures:
    """The metrics of a run.

    Attributes:
        test: Metrics of the test split, by name.
        naive: Naive answers on the same split: by metric, a list of `answer` and `value`, the best first.
        history: Training history: one value per epoch, by name.
        best_epoch: The epoch, counted from 1, whose weights the model has.
        valid_records: Records of the validation split.
        test_records: Records of the test split.
    """

    test: Mapping[str, float]
    naive: Mapping[str, Sequence[Mapping[str, Any]]]
    history: Mapping[str, Sequence[float]]
    best_epoch: int
    valid_records: int
    test_records: int

    def at_best(self, name: str) -> float:
        """A metric at the epoch whose weights the model has; NaN if it was not measured."""
        values = self.history.get(name, ())
        return values[self.best_epoch - 1] if len(values) >= self.best_epoch else math.nan


def diagnose(spec: SequenceSpec, figures: Figures) -> list[Finding]:
    """The findings, the most important ones first.

    Args:
        spec: The spec, with the values that the tuner found.
        figures: The metrics.
    """
    spec = with_auto_settings(spec)
    found = [*_no_better_than_naive(spec, figures), *_ended_by_the_epoch_limit(spec, figures)]
    for head, label in spec.heads.items():
        found += [*_overfitting(spec, figures, head, label), *_validation_far_from_test(spec, figures, head, label)]
    return found


def _no_better_than_naive(spec: SequenceSpec, figures: Figures) -> Iterator[Finding]:
    for head, label in spec.heads.items():
        names = [spec.metric_name(head, metric) for metric in label.metrics if metric not in _PARTS]
        compared = [name for name in names if name in figures.test and figures.naive.get(name)]
        beaten = [
            name for name in compared if not _is_better(name, figures.test[name], figures.naive[name][0]["value"])
        ]
        if beaten:
            best = {name: figures.naive[name][0] for name in beaten}
            yield Finding(
                kind="no_better_than_naive",
                what=f"On the test split the model is no better than a naive answer in {len(beaten)} of "
                f"{len(compared)} metrics: {', '.join(beaten)}.",
                expected="; ".join(
                    f"{name} {'below' if better_direction(name) == 'min' else 'above'} {naive['value']:.4f}, "
                    f"that of: {naive['answer']}"
                    for name, naive in best.items()
                ),
                received=", ".join(f"{name} {figures.test[name]:.4f}" for name in beaten),
                fix=" ".join(_advice(spec, figures, head, label, [str(naive["answer"]) for naive in best.values()])),
            )


def _is_better(name: str, value: float, naive: float) -> bool:
    """Whether the value beats the naive answer by more than rounding error, or both are perfect."""
    gain = naive - value if better_direction(name) == "min" else value - naive
    perfect = 0.0 if better_direction(name) == "min" else 1.0
    return gain > 1e-6 * abs(naive) or value == naive == perfect


def _advice(spec: SequenceSpec, figures: Figures, head: str, label: Label, answers: Sequence[str]) -> Iterator[str]:
    """What to try if naive answers are as good."""
    options = forecast_options(label)
    seasons = [season for season in (options.seasonality,) if season > 1 and season not in options.lags]
    if seasons and any(f"last {seasons[0]} steps" in answer for answer in answers):
        lags = sorted({*options.lags, *seasons})
        yield f"Set {spec.where_of_head(head)}.forecast.lags: {lags}, so that the network sees the previous season."
    if "last value repeated" in answers and options.normalization.offset != "last":
        where = spec.where_of_head(head)
        yield f"Set {where}.forecast.normalization.offset: last, so that the network learns changes from that value."
    if label.class_weights and any("majority" in answer or "most frequent" in answer for answer in answers):
        yield f"Remove {spec.where_of_head(head)}.class_weights: they trade accuracy for recall of rare classes."
    rate = chosen(spec.training.learning_rate)
    name, trained, _ = _main_figures(spec, figures, head, label)
    naive = figures.naive.get(spec.metric_name(head, name), [])
    if naive and math.isfinite(trained) and not _is_better(name, trained, naive[0]["value"]):
        yield (
            f"The model has not learned the training records either ({name} {trained:.4f} on them): check that the "
            f"features determine the label, try training.learning_rate {rate * 3:g} and "
            f"{rate / 3:g} (now {rate:g}), and more training.epochs."
        )
    elif naive and math.isfinite(trained):
        yield f"The model has learned the training records ({name} {trained:.4f} on them), but does not generalize:"
        yield _against_overfitting(spec)


def _ended_by_the_epoch_limit(spec: SequenceSpec, figures: Figures) -> Iterator[Finding]:
    training = spec.training
    values = [float(x) for x in figures.history.get(training.monitor, ())]
    epochs, best = len(values), figures.best_epoch
    # Early stopping ended the training, or there is nothing to compare.
    if epochs < max(chosen(training.epochs), 2) or epochs - best > epochs // 10:
        return
    lower = training.monitored_direction == "min"
    compared = max(epochs * 3 // 4, 1)
    finite = [value for value in values[:compared] if math.isfinite(value)]
    if not finite:
        return
    before, reached = (min if lower else max)(finite), values[best - 1]
    left = abs(reached) if lower else abs(1 - reached)
    decays = training.schedule.type == "cosine" and training.schedule.decay_steps is None
    if not abs(reached - before) > (_GAINING_DESPITE_DECAY if decays else _STILL_GAINING) * left:
        return
    if abs(reached - before) < _OF_ALL_GAINS * abs(reached - finite[0]):
        return
    monitor = training.monitor
    faster = "" if decays else f", or try a higher training.learning_rate (now {chosen(training.learning_rate):g})"
    yield Finding(
        kind="ended_by_the_epoch_limit",
        what=f"Training reached its epoch limit while the model was still improving (best epoch: {best} of {epochs}).",
        expected=f"a {monitor} that stops improving before training.epochs is reached",
        received=f"{monitor} {before:.4f} until epoch {compared}, {reached:.4f} in epoch {best}",
        fix=f"Set training.epochs: {2 * epochs} (now {epochs}){faster}.",
    )


def _overfitting(spec: SequenceSpec, figures: Figures, head: str, label: Label) -> Iterator[Finding]:
    name, trained, validated = _main_figures(spec, figures, head, label)
    if not _is_better(name, trained, validated):
        return
    far, expected = _are_far(name, trained, validated, figures.valid_records)
    if far:
        yield Finding(
            kind="overfitting",
            what=f"The {name}{_of(spec, head)} on the training records is far from that on the validation records.",
            expected=expected,
            received=f"{trained:.4f} in training, {validated:.4f} in validation, in the best epoch",
            fix=_against_overfitting(spec),
        )


def _validation_far_from_test(spec: SequenceSpec, figures: Figures, head: str, label: Label) -> Iterator[Finding]:
    name, _, validated = _main_figures(spec, figures, head, label)
    tested = figures.test.get(spec.metric_name(head, name), math.nan)
    weighed = spec.example_weight or label.step_weight or label.class_weights or label.label_smoothing
    if name == "loss" and weighed:
        # The training loss is weighted, so it is not comparable.
        return
    far, expected = _are_far(name, validated, tested, figures.valid_records, figures.test_records)
    if not far:
        return
    if _is_better(name, validated, tested):
        fix = (
            "If records belong together (of one person, device or day), keep whole groups together: write separate "
            "files for splits.valid and splits.test. Otherwise compare the splits' statistics: the test records may "
            "come from another time or population than the training records."
        )
    else:
        fix = (
            "Provide more validation records (splits.valid_fraction, or separate files): they choose the epoch, and "
            "are harder than the test records or of another kind. Check that the training files contain no test "
            "records."
        )
    yield Finding(
        kind="validation_far_from_test",
        what=f"The {name}{_of(spec, head)} on the validation records is far from that on the test records.",
        expected=expected,
        received=f"{validated:.4f} in validation ({figures.valid_records} records), "
        f"{tested:.4f} on the test split ({figures.test_records} records)",
        fix=fix,
    )


def _main_figures(spec: SequenceSpec, figures: Figures, head: str, label: Label) -> tuple[str, float, float]:
    """The metric by which a head's splits are compared: its name, training value and validation value."""
    name = label.kind.main_metric(label)
    prefix = "" if len(spec.heads) == 1 else f"{head}_"
    # With sampled softmax, metrics are measured in validation only.
    trained = math.nan if label.sampled_softmax else figures.at_best(prefix + name)
    return name, trained, figures.at_best(f"val_{prefix}{name}")


def _are_far(name: str, one: float, other: float, *records: int) -> tuple[bool, str]:
    """Whether two values differ by more than chance explains, and in words how far apart they may be.

    Args:
        name: The metric's name.
        one: The first value.
        other: The second value.
        *records: Numbers of records of the values that vary by chance.
    """
    if not (math.isfinite(one) and math.isfinite(other)):
        return False, ""
    if name == "accuracy":
        # Treats a record as one target, although it may have many steps; adds two of each kind for small splits
        # (Agresti and Coull, The American Statistician 52, 1998).
        shares = [((other * n + 2) / (n + 4), n + 4) for n in records]
        error = math.sqrt(sum(share * (1 - share) / n for share, n in shares))
        most = max(_FAR, _STANDARD_ERRORS * error)
        return abs(one - other) > most, f"at most {most:.3f} between them"
    low, high = sorted([abs(one), abs(other)])
    return min(records) >= _ENOUGH_RECORDS and high > _TIMES * low, f"at most {_TIMES:g} times the other"


def _of(spec: SequenceSpec, head: str) -> str:
    return f" of {head}" if len(spec.heads) > 1 else ""


def _against_overfitting(spec: SequenceSpec) -> str:
    model, training = spec.model, spec.training
    parts = []
    if model.builder is None:
        dropout, units = chosen(model.dropout), chosen(model.units)
        if dropout < 0.6:
            parts.append(f"model.dropout {dropout + 0.2:g} (now {dropout:g})")
        parts.append(f"model.units {[max(size // 2, 1) for size in units]} (now {list(units)})")
    if training.optimizer == "adam":
        parts.append("training.optimizer adamw, which adds weight decay")
    if training.ema_momentum is None:
        parts.append("training.ema_momentum 0.99")
    computed = [
        f"{place}.{name}"
        for place, columns in (("context", spec.context), ("sequence", spec.sequence))
        for name, column in columns.items()
        if isinstance(column, CategoricalColumn) and column.vocabulary and not column.vocabulary.frequency_threshold
    ]
    if computed:
        parts.append(f"{computed[0]}.vocabulary.frequency_threshold 2, which drops rare terms")
    return f"Try {'; '.join(parts)}; or provide more training records."
