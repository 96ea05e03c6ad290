"""The `run_fn` that TFX's Trainer calls: prepare, fit, export, report.

It has a separate module, because TFX reloads the module at each call.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from tfx_sequences.compat import bound_freed_memory, use_cores
from tfx_sequences.components.training.backup import backup_of
from tfx_sequences.components.training.determinism import deterministic_ops
from tfx_sequences.components.training.export_step import export_trained
from tfx_sequences.components.training.setup import prepare_training, record_files
from tfx_sequences.components.training.strategies import is_chief, make_strategy
from tfx_sequences.components.training.training_phases import delete_phases
from tfx_sequences.components.training.training_report import BUCKET_PLAN, TRAINING_REPORT, training_report
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_json
from tfx_sequences.schemas.spec.tuned_spec import tuned_spec

RAW_EXAMPLES = "raw_examples"
HELD_BACK = "valid_is_held_back"
TENSORBOARD = "tensorboard"


def run_fn(fn_args: FnArgs) -> None:
    """Trains the spec in `fn_args.custom_config["spec"]`.

    `custom_config["raw_examples"]` are the files of raw records. Some of them are predicted after the export,
    and the model check compares the exported model with these predictions.

    Raises:
        SpecError: The transform graph was made with another spec.
        UserInputError: `training.deterministic` is set, but the network has an op that is not deterministic.
    """
    use_cores()
    bound_freed_memory()
    spec = spec_from_json(fn_args.custom_config["spec"])
    tuned = (fn_args.hyperparameters or {}).get("values", {})
    if tuned:
        spec = tuned_spec(spec, tuned)
    with deterministic_ops(spec.training.deterministic):
        _train(fn_args, spec, tuned)


def _train(fn_args: FnArgs, spec: SequenceSpec, tuned: Mapping[str, Any]) -> None:
    started = time.monotonic()
    config = fn_args.custom_config

    # Prepare. Several workers must find each other before TensorFlow does anything else.
    strategy = make_strategy(spec.training.strategy)
    setup = prepare_training(
        spec,
        fn_args.transform_output,
        fn_args.train_files,
        fn_args.eval_files,
        held_back=bool(config.get(HELD_BACK)),
        strategy=strategy,
        most_steps=fn_args.train_steps,
    )
    chief = is_chief(strategy)
    files = [*setup.train_files, *setup.valid_files]
    backup = backup_of(setup.spec, config, files, fn_args.transform_output, writes=chief)
    log_dir = os.path.join(fn_args.model_run_dir, TENSORBOARD) if chief else None
    prepared = time.monotonic()

    # Fit.
    trained = setup.train(backup=backup, log_dir=log_dir)
    fitted = time.monotonic()
    if not chief:
        return

    # Export.
    raw_files = record_files(config[RAW_EXAMPLES])
    difference = export_trained(setup, trained.network, fn_args.serving_model_dir, fn_args.model_run_dir, raw_files)

    # Report.
    seconds = {"prepare": prepared - started, "fit": fitted - prepared, "export": time.monotonic() - fitted}
    report = training_report(
        trained, settings=setup.settings, tuned=tuned, export_difference=difference, seconds=seconds
    )
    for name, text in (
        (BUCKET_PLAN, trained.network.plan.model_dump_json(indent=1)),
        (TRAINING_REPORT, json.dumps(report, indent=1)),
    ):
        io_utils.write_string_file(os.path.join(fn_args.model_run_dir, name), text)
    if backup:
        delete_phases(backup)
