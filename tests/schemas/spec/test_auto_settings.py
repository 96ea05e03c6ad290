import math

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.auto_settings import SplitStatistics, auto_batch_size, auto_settings, with_auto_settings
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml, spec_to_yaml

FORECAST = {"key": "future", "type": "forecast", "horizon": 6, "target": "x"}


def make_spec(**sections):
    return SequenceSpec(**{"name": "s", "sequence": {"x": {"type": "numeric"}}, "label": {"key": "y"}, **sections})


def test_a_value_of_the_spec_wins():
    given = {
        "batching": {"batch_size": 5},
        "model": {"bidirectional": False, "pooling": "max", "units": (3,), "dropout": 0.1},
        "training": {
            "epochs": 2,
            "ema_momentum": None,
            "learning_rate": 0.1,
            "refit": False,
            "folds": 1,
            "early_stopping_min_delta": 0,
        },
    }
    spec = make_spec(**given)
    assert auto_settings(spec, SplitStatistics(records=10_000, steps=10_000)) == {}
    assert with_auto_settings(spec) is spec


@pytest.mark.parametrize(
    ("label", "training", "expected"),
    [
        ({"key": "y"}, {}, 1e-4),
        ({"key": "y", "loss": "focal"}, {}, 1e-4),
        ({"key": "y"}, {"monitor": "val_accuracy"}, 0),
        ({"key": "y", "loss": "my_package.losses.mine"}, {}, 0),
        ({"key": "y", "type": "regression"}, {}, 0),
        (FORECAST, {}, 0),
    ],
)
def test_a_gain_that_is_too_small_to_count_is_known_for_likelihoods_only(label, training, expected):
    found = auto_settings(make_spec(label=label, training=training))
    assert found["training.early_stopping_min_delta"] == expected


@pytest.mark.parametrize("records", [1, 7, 100, 4_000, 10**7])
def test_the_batch_size_is_the_power_of_2_below_the_root_of_the_records(records):
    size = auto_batch_size(records, records)
    assert size == min(max(2 ** math.floor(math.log2(math.sqrt(records))), 8), 256)


def test_a_batch_of_long_records_is_smaller():
    assert auto_batch_size(10**6, 10**6 * 3000) * 3000 <= 1 << 16
    assert auto_batch_size(10, 10**9) == 1


def test_epochs_and_average_follow_the_steps():
    # 6 400 records in batches of 64 are 100 steps; 20 000 of them are 200 epochs, and 100 are the most.
    found = auto_settings(make_spec(), SplitStatistics(records=6400, steps=64_000))
    assert (found["batching.batch_size"], found["training.epochs"]) == (64, 100)
    assert found["training.ema_momentum"] == pytest.approx(1 - 1 / 100)
    found = auto_settings(make_spec(batching={"batch_size": 8}), SplitStatistics(records=6400, steps=64_000))
    assert found["training.epochs"] == 20_000 / 800
    assert found["training.ema_momentum"] == pytest.approx(1 - 1 / 500)


@pytest.mark.parametrize(
    ("sections", "later", "expected"),
    [
        ({}, (), True),
        ({"label": FORECAST}, (), False),
        ({"label": {"key": "x", "type": "regression", "per_step": True, "shift": 1}}, (), False),
        ({"label": {"key": "y", "per_step": True}}, (), True),
        ({"label": {"key": "y", "per_step": True}}, ("label",), False),
    ],
)
def test_no_network_reads_the_later_steps_that_it_predicts(sections, later, expected):
    known = SplitStatistics(records=100, steps=1000, later_features=later)
    assert auto_settings(make_spec(**sections), known)["model.bidirectional"] is expected


def test_units_and_learning_rate():
    narrow, wide = SplitStatistics(300, 3000, depth=12, outputs=9), SplitStatistics(300, 3000, depth=88, outputs=88)
    assert auto_settings(make_spec(), narrow)["model.units"] == (64,)
    assert auto_settings(make_spec(), wide)["model.units"] == (192,)
    assert auto_settings(make_spec(), SplitStatistics(300, 3000, outputs=50_000))["model.units"] == (256,)
    few, many = (auto_settings(make_spec(), SplitStatistics(9, 9, terms=n)) for n in (28, 9000))
    assert (few["training.learning_rate"], many["training.learning_rate"]) == (0.003, 0.001)
    assert (few["model.dropout"], many["model.dropout"]) == (0.2, 0.5)


@pytest.mark.parametrize(
    ("held_back", "records", "expected"), [(0, 300, (False, 1)), (30, 270, (True, 5)), (500, 5000, (True, 1))]
)
def test_what_is_held_back_is_trained_on_too(held_back, records, expected):
    found = auto_settings(make_spec(), SplitStatistics(records=records, steps=records, held_back=held_back))
    assert (found["training.refit"], found["training.folds"]) == expected


def test_a_large_set_and_several_workers_are_trained_once():
    large = SplitStatistics(records=10**6, steps=10**7, held_back=10**5)
    assert auto_settings(make_spec(), large)["training.refit"] is False
    spec = make_spec(training={"strategy": "multi_worker"})
    assert auto_settings(spec, SplitStatistics(records=300, steps=3000, held_back=30))["training.refit"] is False


def test_a_setting_that_was_not_chosen_is_an_error():
    with pytest.raises(ValueError, match="with_auto_settings"):
        chosen(make_spec().training.epochs)


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ("{refit: true, strategy: multi_worker}", "refit needs strategy"),
        ("{refit: false, folds: 3}", "folds is 3, but refit is false"),
    ],
)
def test_refits_that_cannot_be(training, message):
    text = f"name: s\nsequence: {{x: {{type: numeric}}}}\nlabel: {{key: y}}\ntraining: {training}\n"
    with pytest.raises(SpecError, match=message):
        spec_from_yaml(text)


@pytest.mark.parametrize(
    ("batching", "expected"),
    [
        ({}, (48, "head")),
        ({"max_length": 20, "truncate": "head"}, (20, "head")),
        ({"max_length": None}, (None, "head")),
        ({"truncate": "head"}, (None, "head")),
    ],
)
def test_forecasts_see_8_horizons_unless_the_spec_says_otherwise(batching, expected):
    spec = make_spec(label=FORECAST, batching=batching)
    assert (spec.batching.max_length, spec.batching.truncate) == expected
    assert spec_from_yaml(spec_to_yaml(spec)) == spec


def test_forecasts_see_two_of_the_longest_season():
    spec = make_spec(label={**FORECAST, "forecast": {"lags": [30]}})
    assert spec.batching.max_length == 61
    assert make_spec().batching.max_length is None
