"""Lines of the run's summary and report that say how the model was trained."""

from __future__ import annotations

import json
from typing import Any


def training_line(training: dict[str, Any]) -> str:
    """Which epoch's weights the model has, and what it was trained on.

    >>> training_line({"epochs": 20, "best_epoch": 9, "refit": None})
    'best of 20 epochs: 9'
    >>> training_line({"epochs": 20, "best_epoch": 9, "refit": {"epochs": 8, "best_epochs": [9, 8, 5], "records": 300}})
    'best of 20 epochs: 9; of 3 validations: 9, 8, 5; then trained on all 300 records for 8 epochs'
    """
    line = f"best of {training['epochs']} epochs: {training['best_epoch']}"
    refit = training["refit"]
    if not refit:
        return line
    best = refit["best_epochs"]
    if len(best) > 1:
        line += f"; of {len(best)} validations: {', '.join(map(str, best))}"
    return f"{line}; then trained on all {refit['records']} records for {refit['epochs']} epochs"


def settings_line(settings: dict[str, Any]) -> str:
    """The settings that were chosen from the data.

    >>> settings_line({"batching.batch_size": 16, "model.units": [64], "model.bidirectional": True})
    'batching.batch_size 16, model.units [64], model.bidirectional true'
    """
    return ", ".join(f"{path} {json.dumps(value)}" for path, value in settings.items())
