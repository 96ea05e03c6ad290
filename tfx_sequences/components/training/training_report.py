"""The training report: the results of one training run, as plain data for the pipeline's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx_sequences.components.input.input_counts import InputCounts
from tfx_sequences.components.network.model import pretrained_of
from tfx_sequences.components.training.determinism import weights_digest
from tfx_sequences.components.training.trained_network import TrainedNetwork

TRAINING_REPORT = "training.json"
BUCKET_PLAN = "bucket_plan.json"


def training_report(
    trained: TrainedNetwork,
    *,
    settings: Mapping[str, Any],
    tuned: Mapping[str, Any],
    export_difference: float,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """The report.

    Args:
        trained: The network and the result of its training.
        settings: The settings derived from the data, by their path in the spec.
        tuned: The values that the tuner found.
        export_difference: The return value of `export_trained`.
        seconds: Wall seconds by step.
    """
    network, validated, plan = trained.network, trained.validated, trained.network.plan
    inputs = {"train": network.train, "valid": network.valid}
    return {
        "history": validated.history,
        "epochs": len(validated.history["loss"]),
        "best_epoch": validated.best_epoch,
        "refit": trained.refit.report() if trained.refit else None,
        "settings": dict(settings),
        "resumed_at": network.fitted.resumed_at or validated.resumed_at,
        "warm_start": network.begun.lines() if network.begun else [],
        "normalizers": network.statistics.normalizers,
        "tuned": dict(tuned),
        "speed": speed(validated.history),
        "parameters": int(network.model.count_params()),
        "weights_digest": weights_digest(network.model),
        "bucket_plan": {
            **plan.model_dump(mode="json"),
            "records": plan.records,
            "real_steps": plan.real_steps,
            "padded_steps": plan.padded_steps,
            "steps_per_epoch": plan.steps_per_epoch,
            "padding_share": plan.padding_share,
        },
        "input": {split: input_figures(source.finished) for split, source in inputs.items() if source},
        "export_difference": export_difference,
        "pretrained_vectors": [read.report() for read in pretrained_of(network.model).values()],
        "seconds": {step: round(taken, 2) for step, taken in seconds.items()},
    }


def speed(history: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Medians over the epochs except the first, in which functions are traced.

    >>> speed({"steps_per_second": [1.0, 9.0, 7.0, 8.0], "loss": [3.0]})
    {'steps_per_second': 8.0}
    """
    names = ("steps_per_second", "real_steps_per_second")
    return {name: float(np.median(history[name][1:] or history[name])) for name in names if name in history}


def input_figures(epochs: Sequence[InputCounts]) -> dict[str, Any]:
    """The counts of the latest epoch, and the padding ratio over all epochs, which vary slightly due to shuffling.

    >>> epochs = [InputCounts(0, real_steps=30, padded_steps=40), InputCounts(1, real_steps=30, padded_steps=60)]
    >>> figures = input_figures(epochs)
    >>> figures["epoch"], figures["epochs"], figures["padding_share"]
    (1, 2, 0.4)
    """
    real = sum(counts.real_steps for counts in epochs)
    padded = sum(counts.padded_steps for counts in epochs)
    return {
        **epochs[-1].to_dict(),
        "epochs": len(epochs),
        "padding_share": 1 - real / padded if padded else 0.0,
    }
