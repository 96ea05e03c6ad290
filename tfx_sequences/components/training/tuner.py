"""The `tuner_fn` that TFX's Tuner calls: keras-tuner's search over the parameters that a spec names."""

from __future__ import annotations

import json
from typing import Any

import keras
import keras_tuner
from absl import logging
from keras_tuner.engine import base_tuner
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from tfx_sequences.compat import bound_freed_memory, use_cores
from tfx_sequences.components.training.determinism import deterministic_ops
from tfx_sequences.components.training.setup import prepare_training
from tfx_sequences.errors import SpecError, UserInputError, did_you_mean
from tfx_sequences.schemas.columns.auto import chosen
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec
from tfx_sequences.schemas.spec.tuning_options import Tuning


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """The search for the spec in `fn_args.custom_config["spec"]`, which has a `tuning` section."""
    use_cores()
    bound_freed_memory()
    spec = spec_from_json(fn_args.custom_config["spec"])
    return TunerFnResult(tuner=SpecTuner(spec, fn_args.working_dir), fit_kwargs={"fn_args": fn_args})


class SpecTuner(base_tuner.BaseTuner):
    """Trains the spec's network with the values of each trial.

    Args:
        spec: The spec; it has a `tuning` section.
        directory: Folder for the state of the search.
    """

    def __init__(self, spec: SequenceSpec, directory: str) -> None:
        self._spec = spec
        super().__init__(make_oracle(spec), directory=directory, project_name="tuning", overwrite=True)

    def run_trial(self, trial: Any, fn_args: FnArgs) -> dict[str, float]:
        """Trains, and returns the objective in the best epoch."""
        values = trial.hyperparameters.values
        epochs = values.get("tuner/epochs") or _tuning(self._spec).epochs or self._spec.training.epochs
        tuned = tuned_spec(self._spec, values)
        # Trials are short and numerous: each runs in one process and restarts after an interruption.
        training = tuned.training.model_copy(update={"epochs": epochs, "strategy": "none", "backup": None})
        tuned = tuned.model_copy(update={"training": training})
        try:
            with deterministic_ops(tuned.training.deterministic):
                figures = figures_of_trial(tuned, fn_args)
            # The only metric whose direction keras-tuner knows; it would have to guess the direction of others.
            return {self.oracle.objective.name: figures[self.oracle.objective.name]}
        except SpecError as error:
            raise keras_tuner.errors.FatalError(str(error)) from error
        except UserInputError as error:
            # Usually divergence: other values may work better.
            logging.warning("Trial %s failed: %s", trial.trial_id, error)
            raise keras_tuner.errors.FailedTrialError(str(error)) from error
        except Exception as error:
            # keras-tuner would only record the error, and return this trial as the best if there are no others.
            raise keras_tuner.errors.FatalError(f"{type(error).__name__}: {error}") from error

    def on_search_end(self) -> None:
        """Raises `UserInputError` if no trial succeeded."""
        trials = list(self.oracle.trials.values())
        if not any(trial.status == "COMPLETED" for trial in trials):
            raise UserInputError(
                f"All {len(trials)} trials of the tuner failed.",
                received=trials[-1].message.strip().splitlines()[-1] if trials and trials[-1].message else None,
                fix="Narrow the ranges of tuning.parameters; a lower training.learning_rate diverges less.",
            )


def figures_of_trial(spec: SequenceSpec, fn_args: FnArgs) -> dict[str, float]:
    """Trains and returns the metrics of the best epoch, by name."""
    setup = prepare_training(spec, fn_args.transform_graph_path, fn_args.train_files, fn_args.eval_files)
    # Trials are compared by their validation only, so they are not trained again on all records.
    fitted = setup.fitting.validated(setup.train_files, setup.valid_files).fitted
    keras.backend.clear_session()
    figures = {name: values[fitted.best_epoch - 1] for name, values in fitted.history.items()}
    objective = _tuning(spec).objective
    if objective is not None and objective not in figures:
        raise SpecError(
            f"tuning.objective is '{objective}', which the model does not measure.",
            expected=f"one of {', '.join(figures)}",
            fix=f"Correct tuning.objective.{did_you_mean(objective, figures)}",
        )
    return figures


def make_oracle(spec: SequenceSpec) -> keras_tuner.Oracle:
    """keras-tuner's oracle of a spec's `tuning` section."""
    tuning = _tuning(spec)
    space = keras_tuner.HyperParameters()
    for path, parameter in tuning.parameters.items():
        sampling = parameter.scale
        if parameter.choices is not None:
            numbers = all(type(choice) is type(parameter.choices[0]) for choice in parameter.choices)
            as_is = numbers and isinstance(parameter.choices[0], int | float)
            space.Choice(path, [choice if as_is else json.dumps(choice) for choice in parameter.choices])
        elif parameter.is_whole:
            space.Int(path, parameter.min, parameter.max, step=parameter.step, sampling=sampling)
        else:
            ends = float(parameter.min or 0), float(parameter.max or 0)
            space.Float(path, *ends, step=parameter.step, sampling=sampling)
    objective = keras_tuner.Objective(
        tuning.objective or spec.training.monitor, tuning.direction_of(spec.training.monitored_direction)
    )
    options: dict[str, Any] = {
        "objective": objective,
        "hyperparameters": space,
        "allow_new_entries": False,
        "tune_new_entries": False,
        # keras-tuner treats 0 as no seed, and would draw one.
        "seed": spec.training.seed + 1,
    }
    if tuning.algorithm == "hyperband":
        return keras_tuner.oracles.HyperbandOracle(
            max_epochs=tuning.epochs or chosen(with_auto_settings(spec).training.epochs), **options
        )
    kinds = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    return kinds[tuning.algorithm](max_trials=tuning.max_trials, **options)


def _tuning(spec: SequenceSpec) -> Tuning:
    if spec.tuning is None:
        raise UserInputError("The spec has no tuning section.", expected="tuning: {parameters: ...}")
    return spec.tuning
