"""The `run_fn` that TFX's Trainer calls.

It has a separate module, because TFX reloads the module at each call.
"""

from __future__ import annotations

from tfx.components.trainer.fn_args_utils import FnArgs

from tfx_sequences.compat import bound_freed_memory, use_cores
from tfx_sequences.components.training.training_run import TrainingFiles, run_training
from tfx_sequences.schemas.spec.spec_io import spec_from_json
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec

RAW_EXAMPLES = "raw_examples"
HELD_BACK = "valid_is_held_back"


def run_fn(fn_args: FnArgs) -> None:
    """Trains the spec in `fn_args.custom_config["spec"]`.

    `custom_config["raw_examples"]` are the files of raw records, see `TrainingFiles`.

    Raises:
        SpecError: The transform graph was made with another spec.
        UserInputError: `training.deterministic` is set, but the network has an op that is not deterministic.
    """
    use_cores()
    bound_freed_memory()
    config = fn_args.custom_config
    spec = spec_from_json(config["spec"])
    tuned = (fn_args.hyperparameters or {}).get("values", {})
    run_training(
        tuned_spec(spec, tuned) if tuned else spec,
        TrainingFiles(
            transform_output=fn_args.transform_output,
            train=fn_args.train_files,
            valid=fn_args.eval_files,
            raw=config[RAW_EXAMPLES],
            model_dir=fn_args.serving_model_dir,
            run_dir=fn_args.model_run_dir,
        ),
        held_back=bool(config.get(HELD_BACK)),
        tuned=tuned,
        backup_config=config,
        most_steps=fn_args.train_steps,
    )
