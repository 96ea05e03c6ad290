"""The default length of the history that a forecast uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx_sequences.schemas.kinds.forecast_options import Forecast
from tfx_sequences.schemas.spec.batching import Batching
from tfx_sequences.schemas.spec.label import Label


def with_history(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a spec, with the history that its forecasts need unless the spec sets another length.

    The default is 8 horizons, or twice the longest season in `lags` plus one step: earlier steps say little about the
    next steps, and take most of the time.
    """
    labels = data.get("labels")
    heads = [data.get("label"), *(labels.values() if isinstance(labels, Mapping) else ())]
    batching = data.get("batching", {})
    given = batching.model_fields_set if isinstance(batching, Batching) else batching
    if not isinstance(given, Mapping | set) or "truncate" in given:
        return data
    needed = 0
    for label in heads:
        fields = label.model_dump() if isinstance(label, Label) else label
        if isinstance(fields, Mapping) and fields.get("type") == "forecast" and isinstance(fields.get("horizon"), int):
            options = fields.get("forecast")
            lags = options.lags if isinstance(options, Forecast) else (options or {}).get("lags", ())
            needed = max(needed, 8 * fields["horizon"], *(2 * lag + 1 for lag in lags if isinstance(lag, int)))
    if not needed:
        return data
    whole = batching.max_length is None if isinstance(batching, Batching) else batching.get("max_length", 1) is None
    if "max_length" in given and not whole:
        return data
    # `truncate` records that the length was given, because None is not written to a file.
    history = {"max_length": None if "max_length" in given else needed, "truncate": "head"}
    if isinstance(batching, Batching):
        return {**data, "batching": batching.model_copy(update=history)}
    return {**data, "batching": {**batching, **history}}
