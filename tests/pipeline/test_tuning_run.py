"""A run with a search before training: the Trainer takes the best values."""

import json
from pathlib import Path

import pytest

from tfx_sequences.pipeline.local.report import write_report
from tfx_sequences.pipeline.local.run import run_local
from tfx_sequences.schemas.spec.spec_io import load_spec
from tfx_sequences.schemas.spec.tuning_options import Parameter, Tuning

DATA = Path(__file__).parents[2] / "tfx_sequences" / "examples_data" / "japanese_vowels"


@pytest.mark.slow
def test_the_trainer_takes_the_best_of_two_trials(tmp_path):
    spec = load_spec("japanese_vowels")
    tuning = Tuning(
        # Of these two, one learns next to nothing.
        parameters={
            "training.learning_rate": Parameter(choices=(1e-6, 0.01)),
            "model.units": Parameter(choices=([4], [8])),
        },
        algorithm="random",
        max_trials=2,
        epochs=2,
    )
    training = spec.training.model_copy(update={"epochs": 3})
    spec = spec.model_copy(update={"tuning": tuning, "training": training, "evaluation": type(spec.evaluation)()})
    result = run_local(spec, DATA, tmp_path / "output")
    assert [c.name for c in result.components][7:9] == ["Tuner", "SequenceTrainer"]
    trials = json.loads(Path(result.outputs["Tuner"]["tuner_results"], "tuner_results.json").read_text())
    assert len(trials) == 2
    best = min(trials, key=lambda trial: trial["score"])
    training = write_report(result)["training"]
    assert training["tuned"] == {path: best[path] for path in tuning.parameters}
    assert training["epochs"] == 3
    card = json.loads((result.pushed_model / "tfx_sequences.json").read_text())["spec"]
    assert card["training"]["learning_rate"] == best["training.learning_rate"]
    assert json.dumps(card["model"]["units"]) == best["model.units"]
    assert "model.units: [" in result.layout.report.read_text().replace("&#34;", '"')
