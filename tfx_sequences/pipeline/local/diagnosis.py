"""What the figures of a run say about its training, and what to try next.

Pure: figures in, findings out. A finding never ends a run and changes no verdict; thresholds do that.
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

# Parts of a figure that say little alone: a model may give up one of them for the other.
_PARTS = ("span_precision", "span_recall")
# A figure still gets better if the last quarter of the epochs gained that share of what was left to gain;
# where the learning rate falls until the last epoch, some gain at the end is what it is for.
_STILL_GAINING, _GAINING_DESPITE_DECAY = 0.01, 0.1
# Accuracies are far apart by so much, if that is more than chance alone gives: so many standard errors.
_FAR, _STANDARD_ERRORS = 0.05, 3.0
# Errors and losses are far apart if one is so many times the other, over at least so many records.
_TIMES, _ENOUGH_RECORDS = 1.5, 50


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that the figures say.

    Attributes:
        kind: Which of the findings it is.
        what: What was found.
        expected: What a good run would have.
        received: The figures.
        fix: What to try next.
    """

    kind: Literal["no_better_than_naive", "ended_by_the_epoch_limit", "overfitting", "validation_far_from_test", "leak"]
    what: str
    expected: str
    received: str
    fix: str

    @property
    def text(self) -> str:
        """All of it, in lines."""
        return four_parts(self.what, self.expected, self.received, self.fix)


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of a run.

    Attributes:
        test: Of the test split, by metric.
        naive: Of naive answers on the same split: by metric `answer` and `value`, the best first.
        history: Of training, by name one value per epoch.
        best_epoch: The epoch, from 1, whose weights the model has.
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
        """A figure of the epoch whose weights the model has; NaN if there is none."""
        values = self.history.get(name, ())
        return values[self.best_epoch - 1] if len(values) >= self.best_epoch else math.nan


def diagnose(spec: SequenceSpec, figures: Figures) -> list[Finding]:
    """The findings, those that matter most first.

    Args:
        spec: The spec, with the values that a search has found.
        figures: The figures.
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
                f"{len(compared)} figures: {', '.join(beaten)}.",
                expected="; ".join(
                    f"{name} {'below' if better_direction(name) == 'min' else 'above'} {naive['value']:.4f}, "
                    f"that of: {naive['answer']}"
                    for name, naive in best.items()
                ),
                received=", ".join(f"{name} {figures.test[name]:.4f}" for name in beaten),
                fix=" ".join(_advice(spec, figures, head, label, [str(naive["answer"]) for naive in best.values()])),
            )


def _is_better(name: str, value: float, naive: float) -> bool:
    """Better than the naive answer by more than rounding; or both without any fault."""
    gain = naive - value if better_direction(name) == "min" else value - naive
    perfect = 0.0 if better_direction(name) == "min" else 1.0
    return gain > 1e-6 * abs(naive) or value == naive == perfect


def _advice(spec: SequenceSpec, figures: Figures, head: str, label: Label, answers: Sequence[str]) -> Iterator[str]:
    """What to try where naive answers are as good."""
    options = forecast_options(label)
    seasons = [season for season in (options.seasonality,) if season > 1 and season not in options.lags]
    if seasons and any(f"last {seasons[0]} steps" in answer for answer in answers):
        lags = sorted({*options.lags, *seasons})
        yield f"Set {spec.where_of_head(head)}.forecast.lags: {lags}, so that the network sees the season."
    if "last value repeated" in answers and options.normalization.offset != "last":
        yield f"Set {spec.where_of_head(head)}.forecast.normalization.offset: last, so that it learns what changes."
    if label.class_weights and any("majority" in answer or "most frequent" in answer for answer in answers):
        yield f"Leave out {spec.where_of_head(head)}.class_weights: they give accuracy away for rare classes."
    rate = chosen(spec.training.learning_rate)
    name, trained, _ = _main_figures(spec, figures, head, label)
    naive = figures.naive.get(spec.metric_name(head, name), [])
    if naive and math.isfinite(trained) and not _is_better(name, trained, naive[0]["value"]):
        yield (
            f"It has not learned the training records either ({name} {trained:.4f} on them): check that the features "
            f"can tell the label, try training.learning_rate {rate * 3:g} and "
            f"{rate / 3:g} (now {rate:g}), and more training.epochs."
        )
    elif naive and math.isfinite(trained):
        yield f"It has learned its training records ({name} {trained:.4f} on them), but little that holds for others:"
        yield _against_overfitting(spec)


def _ended_by_the_epoch_limit(spec: SequenceSpec, figures: Figures) -> Iterator[Finding]:
    training = spec.training
    values = [float(x) for x in figures.history.get(training.monitor, ())]
    epochs, best = len(values), figures.best_epoch
    # Early stopping ended it, or there is nothing to compare.
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
    monitor = training.monitor
    faster = "" if decays else f", or try a higher training.learning_rate (now {chosen(training.learning_rate):g})"
    yield Finding(
        kind="ended_by_the_epoch_limit",
        what=f"Training ended by its limit while it still got better: best of {epochs} epochs: {best}.",
        expected=f"a {monitor} that no longer gets better before training.epochs are over",
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
            what=f"The {name}{_of(spec, head)} of the training records is far from that of the validation records.",
            expected=expected,
            received=f"{trained:.4f} in training, {validated:.4f} in validation, in the best epoch",
            fix=_against_overfitting(spec),
        )


def _validation_far_from_test(spec: SequenceSpec, figures: Figures, head: str, label: Label) -> Iterator[Finding]:
    name, _, validated = _main_figures(spec, figures, head, label)
    tested = figures.test.get(spec.metric_name(head, name), math.nan)
    weighed = spec.example_weight or label.step_weight or label.class_weights or label.label_smoothing
    if name == "loss" and weighed:
        # That of training is another one.
        return
    far, expected = _are_far(name, validated, tested, figures.valid_records, figures.test_records)
    if not far:
        return
    if _is_better(name, validated, tested):
        fix = (
            "If records belong together (of one person, device or day), hold whole groups back: write files of their "
            "own for splits.valid and splits.test. Else compare the splits' statistics: the test records may be of "
            "another time or kind than those that are trained with."
        )
    else:
        fix = (
            "Give more validation records (splits.valid_fraction, or files of their own): they choose the epoch, and "
            "are harder or of another kind than the test records. See that no test record stands in the training files."
        )
    yield Finding(
        kind="validation_far_from_test",
        what=f"The {name}{_of(spec, head)} of the validation records is far from that of the test records.",
        expected=expected,
        received=f"{validated:.4f} in validation ({figures.valid_records} records), "
        f"{tested:.4f} in the test ({figures.test_records} records)",
        fix=fix,
    )


def _main_figures(spec: SequenceSpec, figures: Figures, head: str, label: Label) -> tuple[str, float, float]:
    """The figure of a head that splits are compared by: its name, that of training, that of validation."""
    name = label.kind.main_metric(label)
    prefix = "" if len(spec.heads) == 1 else f"{head}_"
    # With a sample of the classes, figures are measured in validation only.
    trained = math.nan if label.sampled_softmax else figures.at_best(prefix + name)
    return name, trained, figures.at_best(f"val_{prefix}{name}")


def _are_far(name: str, one: float, other: float, *records: int) -> tuple[bool, str]:
    """Whether two figures are further apart than chance makes them, and in words how far they may be.

    Args:
        name: The figure's name.
        one: One.
        other: The other one.
        *records: Over how many records figures are measured that vary by chance.
    """
    if not (math.isfinite(one) and math.isfinite(other)):
        return False, ""
    if name == "accuracy":
        # As if a record were one target, though it may have many steps; two more of each kind for small splits
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
        parts.append("training.optimizer adamw, whose weights decay")
    if training.ema_momentum is None:
        parts.append("training.ema_momentum 0.99")
    computed = [
        f"{place}.{name}"
        for place, columns in (("context", spec.context), ("sequence", spec.sequence))
        for name, column in columns.items()
        if isinstance(column, CategoricalColumn) and column.vocabulary and not column.vocabulary.frequency_threshold
    ]
    if computed:
        parts.append(f"{computed[0]}.vocabulary.frequency_threshold 2, which leaves rare terms out")
    return f"Try {'; '.join(parts)}; or give more training records."
