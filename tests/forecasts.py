"""A spec with two forecasts and known futures, records for it, and its transform graph, made once."""

from __future__ import annotations

import numpy as np

from tests.everything import Analyzed, analyzed
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS, HORIZON = 24, 3


def forecast_spec(**changes):
    known = {"open": "open_ahead", "promotion": "promotion_ahead"}
    forecast = {"type": "forecast", "horizon": HORIZON, "known_future": known}
    return SequenceSpec(
        **{
            "name": "forecasts",
            "id_key": "id",
            "example_weight": "weight",
            "context": {"city": {"type": "categorical"}},
            "sequence": {
                "sales": {"type": "numeric"},
                "visits": {"type": "numeric", "key": "visitors", "dtype": "int64"},
                "open": {"type": "numeric", "key": "is_open"},
                "promotion": {"type": "numeric", "shape": (2,), "normalizer": "none"},
            },
            "labels": {
                "money": {
                    **forecast,
                    "key": "sales_ahead",
                    "target": "sales",
                    "mase_scale": "scale",
                    "forecast": {"lags": (4,), "windows": 5, "loss": "smape"},
                },
                "people": {
                    **forecast,
                    "key": "visitors_ahead",
                    "dtype": "int64",
                    "target": "visits",
                    "forecast": {
                        "decoder": "autoregressive",
                        "units": 4,
                        "windows": 5,
                        "seasonality": 2,
                        "normalization": {"log": True, "scale": "step"},
                    },
                },
            },
            "batching": {"max_length": 6, "truncate": "head"},
            "model": {"units": (4,), "bidirectional": False},
            "training": {"epochs": 2},
            **changes,
        }
    )


def plain_records():
    """Context and sequence values of 24 records, lengths 1 to 12, deterministic; some series never change."""
    random = np.random.default_rng(4)
    records = []
    for index in range(NUM_RECORDS):
        steps = 1 + index % 12
        sales = (100 + random.normal(0, 5, steps + HORIZON).cumsum()).astype("float32")
        visitors = random.integers(0, 50, steps + HORIZON) if index % 4 else np.full(steps + HORIZON, 7)
        is_open = random.integers(0, 2, steps + HORIZON).astype("float32")
        promotion = random.normal(size=(steps + HORIZON, 2)).astype("float32")
        context = {
            "id": f"r{index}",
            "weight": 0.5 + index % 3,
            "city": ["Oslo", "Rome"][index % 2],
            "scale": [2.0, 0.0, 3.0][index % 3],
            "sales_ahead": sales[steps:].tolist(),
            "visitors_ahead": visitors[steps:].tolist(),
            "open_ahead": is_open[steps:].tolist(),
            "promotion_ahead": promotion[steps:].ravel().tolist(),
        }
        sequence = {
            "sales": sales[:steps].tolist(),
            "visitors": visitors[:steps].tolist(),
            "is_open": is_open[:steps].tolist(),
            "promotion": promotion[:steps].tolist(),
        }
        records.append((context, sequence))
    return records


def analyzed_forecasts(folder) -> Analyzed:
    return analyzed(forecast_spec(), plain_records(), folder)
