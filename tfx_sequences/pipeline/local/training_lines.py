"""Lines of the run's summary and report about how the model was trained."""

from __future__ import annotations

import json
from typing import Any


def training_line(training: dict[str, Any]) -> str:
    """The epoch whose weights the model has, and the records it was trained on.

    >>> training_line({"epochs": 20, "best_epoch": 9, "refit": None})
    'best epoch: 9 of 20'
    >>> training_line({"epochs": 20, "best_epoch": 9, "refit": {"epochs": 8, "best_epochs": [9, 8, 5], "records": 300}})
    'best epoch: 9 of 20; in 3 validations: 9, 8, 5; then trained on all 300 records for 8 epochs'
    """
    line = f"best epoch: {training['best_epoch']} of {training['epochs']}"
    refit = training["refit"]
    if not refit:
        return line
    best = refit["best_epochs"]
    if len(best) > 1:
        line += f"; in {len(best)} validations: {', '.join(map(str, best))}"
    return f"{line}; then trained on all {refit['records']} records for {refit['epochs']} epochs"


def settings_line(settings: dict[str, Any]) -> str:
    """The settings that were derived from the data.

    >>> settings_line({"batching.batch_size": 16, "model.units": [64], "model.bidirectional": True})
    'batching.batch_size 16, model.units [64], model.bidirectional true'
    """
    return ", ".join(f"{path} {json.dumps(value)}" for path, value in settings.items())
