import keras_tuner
import pytest

from tests.schemas.spec.tuned_specs import make
from tfx_sequences.components.training.tuner import make_oracle

PARAMETERS = {
    "model__units": {"choices": [[8], [8, 4]]},
    "model__cell": {"choices": ["gru", "lstm"]},
    "training__epochs": {"min": 2, "max": 8, "step": 2},
    "training__learning_rate": {"min": 1e-4, "max": 0.1, "scale": "log"},
    "training__early_stopping_patience": {"choices": [2, 9]},
}


def values(spec):
    oracle = make_oracle(spec)
    oracle._set_project_dir("unused", "unused")
    return [oracle._populate_space(str(number))["values"] for number in range(6)]


def test_every_trial_has_values_of_the_declared_kinds():
    spec = make(**PARAMETERS)
    spec = spec.model_copy(update={"tuning": spec.tuning.model_copy(update={"algorithm": "random"})})
    for trial in values(spec):
        assert trial["model.units"] in ("[8]", "[8, 4]")
        assert trial["model.cell"] in ('"gru"', '"lstm"')
        assert trial["training.epochs"] in (2, 4, 6, 8)
        assert 1e-4 <= trial["training.learning_rate"] <= 0.1
        assert trial["training.early_stopping_patience"] in (2, 9)
    assert len({str(trial) for trial in values(spec)}) == 6
    assert values(spec) == values(spec)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("random", "RandomSearch"), ("bayesian", "BayesianOptimization"), ("hyperband", "Hyperband")],
)
def test_the_algorithm_is_the_named_one(algorithm, kind):
    spec = make(**PARAMETERS)
    changes = {"algorithm": algorithm, "max_trials": 3, "epochs": 7, "objective": "val_accuracy"}
    oracle = make_oracle(spec.model_copy(update={"tuning": spec.tuning.model_copy(update=changes)}))
    assert isinstance(oracle, getattr(keras_tuner.oracles, f"{kind}Oracle"))
    assert (oracle.objective.name, oracle.objective.direction) == ("val_accuracy", "max")
    assert oracle.max_epochs == 7 if algorithm == "hyperband" else oracle.max_trials == 3
