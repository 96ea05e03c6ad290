"""Findings from figures that are known to be good or bad."""

import math

import pytest

from tfx_sequences.pipeline.local.diagnosis import Figures, diagnose
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(label=None, **changes):
    if label is None and "labels" not in changes:
        label = {"key": "y"}
    return SequenceSpec(
        **{
            "name": "s",
            "sequence": {"token": {"type": "categorical", "vocabulary": {}}, "x": {"type": "numeric"}},
            "label": label,
            "training": {"epochs": 20, "ema_momentum": None},
            **changes,
        }
    )


def falling(*values, last=None, epochs=20):
    """A history that stays at the last value."""
    return [*values, *[values[-1] if last is None else last] * (epochs - len(values))]


def good(**changes):
    """A run where nothing is to be found."""
    history = {
        "loss": falling(1.0, 0.5, 0.3),
        "val_loss": falling(1.0, 0.6, 0.35),
        "accuracy": falling(0.5, 0.9),
        "val_accuracy": falling(0.5, 0.88),
    }
    figures = {
        "test": {"accuracy": 0.87, "loss": 0.36, "auc": 0.9},
        "naive": {
            "accuracy": [{"answer": "majority class", "value": 0.6}],
            "loss": [{"answer": "class frequencies", "value": 0.9}],
            "auc": [{"answer": "class frequencies", "value": 0.5}],
        },
        "history": history,
        "best_epoch": 3,
        "valid_records": 1000,
        "test_records": 1000,
    }
    given = {**figures, **{k: v for k, v in changes.items() if k != "history"}}
    given["history"] = {**history, **changes.get("history", {})}
    return Figures(**given)


def kinds(spec, figures):
    return [finding.kind for finding in diagnose(spec, figures)]


def test_nothing_is_found_in_a_good_run():
    assert diagnose(spec_of(), good()) == []


def test_a_model_that_is_worse_than_the_majority_is_told_so():
    figures = good(test={"accuracy": 0.58, "loss": 0.95, "auc": 0.9}, history={"val_accuracy": falling(0.5, 0.6)})
    finding = diagnose(spec_of(), figures)[0]
    assert finding.kind == "no_better_than_naive"
    assert finding.text.splitlines()[:3] == [
        "On the test split the model is no better than a naive answer in 2 of 3 metrics: accuracy, loss.",
        "  expected: accuracy above 0.6000, that of: majority class; loss below 0.9000, that of: class frequencies",
        "  received: accuracy 0.5800, loss 0.9500",
    ]
    # It has learned the training records by heart.
    assert (
        "learned the training records (accuracy 0.9000 on them)" in finding.fix and "model.dropout 0.4" in finding.fix
    )


def test_a_model_that_has_not_learned_its_training_records_needs_something_else():
    history = {"accuracy": falling(0.5, 0.59), "val_accuracy": falling(0.5, 0.58)}
    [finding] = diagnose(spec_of(), good(test={"accuracy": 0.6, "loss": 0.8, "auc": 0.6}, history=history))
    assert finding.what.endswith("in 1 of 3 metrics: accuracy.")
    assert "not learned the training records either (accuracy 0.5900 on them)" in finding.fix
    assert "training.learning_rate 0.009" in finding.fix and "dropout" not in finding.fix


@pytest.mark.parametrize(("value", "naive", "told"), [(1.0, 1.0, False), (0.7, 0.7, True), (0.7, 0.69999999, True)])
def test_as_good_as_a_naive_answer_is_no_better_unless_both_are_perfect(value, naive, told):
    answers = {"accuracy": [{"answer": "majority class", "value": naive}]}
    figures = good(test={"accuracy": value}, naive=answers, history={"val_accuracy": falling(0.5, value)})
    assert ("no_better_than_naive" in kinds(spec_of(), figures)) == told


def test_class_weights_are_named_where_they_give_accuracy_away():
    label = {"key": "y", "class_weights": "balanced"}
    figures = good(test={"accuracy": 0.55, "loss": 0.7, "auc": 0.9}, history={"val_accuracy": falling(0.5, 0.55)})
    assert "Remove label.class_weights" in diagnose(spec_of(label), figures)[0].fix


def forecast(**options):
    label = {"key": "f", "type": "forecast", "horizon": 3, "target": "x", "forecast": options}
    return spec_of(label, sequence={"x": {"type": "numeric"}}, model={"bidirectional": False})


def of_forecast(answer, best=0.8):
    history = {"mase": falling(1.0), "val_mase": falling(1.0), "val_loss": falling(1.0), "loss": falling(1.0)}
    naive = {"mase": [{"answer": answer, "value": best}]}
    return Figures({"mase": 1.0, "smape": 9.0}, naive, history, 1, 100, 100)


def test_a_season_that_forecasts_better_is_given_to_the_network():
    [finding] = diagnose(forecast(seasonality=7), of_forecast("last 7 steps repeated"))
    assert "Set label.forecast.lags: [7]" in finding.fix
    [finding] = diagnose(forecast(seasonality=7, lags=(7,)), of_forecast("last 7 steps repeated"))
    assert "forecast.lags" not in finding.fix


def test_a_last_value_that_forecasts_better_is_what_changes_are_learned_from():
    mean = {"normalization": {"offset": "mean"}}
    assert "normalization.offset: last" in diagnose(forecast(**mean), of_forecast("last value repeated"))[0].fix
    assert "normalization.offset" not in diagnose(forecast(), of_forecast("last value repeated"))[0].fix
    assert diagnose(forecast(), of_forecast("last value repeated", best=1.2)) == []


def test_parts_of_a_figure_are_not_compared_alone():
    label = {"key": "y", "per_step": True}
    naive = [{"answer": "most frequent for each 'token'", "value": 0.9}]
    test = {"accuracy": 0.87, "span_precision": 0.5, "span_f1": 0.8}
    figures = good(test=test, naive={"span_precision": naive, "span_f1": naive})
    assert diagnose(spec_of(label), figures)[0].what.endswith("in 1 of 1 metrics: span_f1.")


def test_each_head_has_findings_of_its_own():
    spec = spec_of(labels={"a": {"key": "a"}, "b": {"key": "b"}})
    history = {f"{part}{head}_accuracy": falling(0.9) for part in ("", "val_") for head in "ab"}
    history["val_b_accuracy"] = falling(0.7)
    naive = {"a.accuracy": [{"answer": "majority class", "value": 0.95}]}
    found = diagnose(spec, good(test={"a.accuracy": 0.9, "b.accuracy": 0.7}, naive=naive, history=history))
    assert [f.kind for f in found] == ["no_better_than_naive", "overfitting"]
    assert "a.accuracy" in found[0].what and found[1].what.startswith("The accuracy of b ")


def limited(values, best, **training):
    spec = spec_of(training={"epochs": len(values), **training})
    history = {"val_loss": values, "accuracy": [0.9] * len(values), "val_accuracy": [0.88] * len(values)}
    return diagnose(spec, good(history=history, best_epoch=best))


def test_training_that_still_got_better_at_its_limit():
    values = [1.0 * 0.95**epoch for epoch in range(60)]
    [finding] = limited(values, 60)
    assert (
        finding.what == "Training reached its epoch limit while the model was still improving (best epoch: 60 of 60)."
    )
    assert f"val_loss {values[44]:.4f} until epoch 45, {values[59]:.4f} in epoch 60" in finding.received
    assert finding.fix.startswith("Set training.epochs: 120 (now 60), or try a higher training.learning_rate")
    assert [f.kind for f in limited([*values[:-1], 9.0], 59)] == ["ended_by_the_epoch_limit"]


@pytest.mark.parametrize(
    ("values", "best", "training"),
    [
        # The best epoch was long ago; the last quarter gained nothing; early stopping ended it.
        ([1.0, 0.5, *[0.6] * 18], 2, {}),
        ([*[0.5] * 19, 0.4999], 20, {}),
        ([1.0 * 0.95**n for n in range(20)], 20, {"epochs": 60}),
        # A loss that is nearly zero, and always a little nearer.
        ([0.7 * 0.85**n for n in range(100)], 100, {}),
        # A falling learning rate gains at the end: that is what it is for.
        ([*[0.5] * 19, 0.47], 20, {"schedule": {"type": "cosine"}}),
        ([1.0], 1, {}),
        ([math.nan, math.nan, 1.0], 3, {}),
    ],
)
def test_training_that_would_gain_nothing_by_more_epochs(values, best, training):
    assert limited(values, best, **training) == []


def test_a_falling_learning_rate_is_told_so_where_it_ends_early():
    values = [1.0 * 0.9**epoch for epoch in range(20)]
    [finding] = limited(values, 20, schedule={"type": "cosine"})
    assert finding.fix == "Set training.epochs: 40 (now 20)."


def test_a_monitored_figure_that_rises():
    values = [1 - 0.5 * 0.9**epoch for epoch in range(20)]
    spec = spec_of(training={"epochs": 20, "monitor": "val_accuracy"})
    figures = good(history={"val_accuracy": values, "accuracy": values}, best_epoch=20, test={"accuracy": values[-1]})
    assert kinds(spec, figures) == ["ended_by_the_epoch_limit"]


@pytest.mark.parametrize(
    ("trained", "validated", "records", "told"),
    [
        (0.99, 0.80, 1000, True),
        (0.99, 0.96, 1000, False),
        # Of 27 records, chance alone makes such a difference.
        (0.99, 0.88, 27, False),
        (0.99, 0.50, 27, True),
        (0.70, 0.90, 1000, False),
        (math.nan, 0.5, 1000, False),
    ],
)
def test_training_far_from_validation(trained, validated, records, told):
    history = {"accuracy": falling(0.5, trained), "val_accuracy": falling(0.5, validated)}
    figures = good(test={"accuracy": validated}, naive={}, history=history, valid_records=records)
    assert kinds(spec_of(), figures) == (["overfitting"] if told else [])


def test_overfitting_says_what_there_is_to_change():
    history = {"accuracy": falling(0.5, 0.99), "val_accuracy": falling(0.5, 0.8)}
    [finding] = diagnose(spec_of(), good(test={"accuracy": 0.8}, history=history))
    assert finding.received == "0.9900 in training, 0.8000 in validation, in the best epoch"
    for words in (
        "model.dropout 0.4 (now 0.2)",
        "model.units [32] (now [64])",
        "adamw",
        "ema_momentum",
        "sequence.token.vocabulary.frequency_threshold 2",
    ):
        assert words in finding.fix


def test_errors_are_compared_by_their_ratio_over_enough_records():
    label = {"key": "y", "type": "regression"}
    history = {"mean_absolute_error": falling(1.0), "val_mean_absolute_error": falling(1.6)}
    figures = good(test={"mean_absolute_error": 1.6}, naive={}, history=history)
    assert kinds(spec_of(label), figures) == ["overfitting"]
    assert kinds(spec_of(label), good(test={"mean_absolute_error": 1.6}, history=history, valid_records=20)) == []


def test_a_sample_of_classes_has_no_figure_of_training():
    label = {"key": "y", "sampled_softmax": 5}
    history = {"accuracy": falling(0.0), "val_accuracy": falling(0.5, 0.7)}
    assert kinds(spec_of(label), good(test={"accuracy": 0.7}, history=history)) == []


@pytest.mark.parametrize(("tested", "words"), [(0.6, "keep whole groups together"), (0.99, "more validation records")])
def test_validation_far_from_test_in_either_direction(tested, words):
    [finding] = diagnose(spec_of(), good(test={"accuracy": tested}, naive={}))
    assert finding.kind == "validation_far_from_test"
    assert words in finding.fix
    assert f"0.8800 in validation (1000 records), {tested:.4f} on the test split (1000 records)" == finding.received


def test_losses_that_are_weighed_otherwise_are_not_compared():
    history = {"loss": falling(1.0), "val_loss": falling(1.0)}
    figures = good(test={"loss": 2.0}, naive={}, history=history)
    plain = {"key": "y", "type": "multi_label"}
    assert kinds(spec_of(plain), figures) == ["validation_far_from_test"]
    assert kinds(spec_of({**plain, "label_smoothing": 0.1}), figures) == []
