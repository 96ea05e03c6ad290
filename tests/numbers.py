"""Records of numbers that no single normaliser suits, and one spec with every normaliser for them."""

from __future__ import annotations

import math

import numpy as np

from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 160


def numbers_spec(**changes):
    numeric = {"type": "numeric"}
    return SequenceSpec(
        **{
            "name": "numbers",
            "context": {
                "size": numeric,
                "spend": numeric,
                "place": {**numeric, "shape": (2,), "normalizer": "robust"},
                "band": {"type": "bucketized", "key": "spend", "num_buckets": 4},
            },
            "sequence": {
                "usual": {**numeric, "shape": (2,)},
                "wave": numeric,
                "drift": {**numeric, "shape": (2,), "causal": True},
                "tiny": numeric,
                "large": {**numeric, "dtype": "int64", "scale_feature": False},
                "robust": {**numeric, "key": "tiny", "normalizer": "robust", "clip": 1.5},
                "ranks": {**numeric, "key": "wave", "normalizer": "quantile"},
                "logs": {**numeric, "key": "large", "dtype": "int64", "normalizer": "log1p"},
                "own": {**numeric, "key": "wave", "normalizer": "per_record", "clip": 1.0},
                "own_robust": {**numeric, "key": "wave", "normalizer": "per_record_robust", "scale_feature": True},
                "own_range": {**numeric, "key": "drift", "shape": (2,), "normalizer": "per_record_min_max"},
                "past": {**numeric, "key": "wave", "normalizer": "per_record", "causal": True},
                "past_robust": {**numeric, "key": "wave", "normalizer": "per_record_robust", "causal": True},
                "parts": {"type": "bucketized", "key": "usual", "shape": (2,), "num_buckets": 3},
            },
            "label": {"key": "kind"},
            "model": {"units": (4,)},
            "training": {"epochs": 1},
            **changes,
        }
    )


def number_records(seed=3):
    """Context and sequence values; some steps of `wave` are missing, some records have no steps, some do not vary."""
    random = np.random.default_rng(seed)
    records = []
    for index in range(NUM_RECORDS):
        steps = int(random.integers(5, 13)) if index % 8 else index % 16 // 8
        scale = 10 ** random.uniform(-4, 3) if index % 10 else 0.0
        wave = (scale * random.normal(size=steps)).astype("float32").tolist()
        level = 1e6 * random.normal(size=2)
        context = {
            "size": float(random.normal(3, 2)),
            "spend": float(random.lognormal(0, 2)),
            "place": random.normal(size=2).astype("float32").tolist(),
            "kind": ["a", "b"][index % 2],
        }
        sequence = {
            "usual": random.normal(5, 3, (steps, 2)).astype("float32").tolist(),
            "wave": [[] if step % 7 == 6 else value for step, value in enumerate(wave)],
            "drift": (level + random.normal(size=(steps, 2))).astype("float32").tolist(),
            "tiny": (1e-6 * random.lognormal(0, 3, steps)).astype("float32").tolist(),
            "large": [int(x) for x in 10**9 + random.lognormal(3, 3, steps)],
        }
        records.append((context, sequence))
    return records


def tails_records(number, seed, *, decades=6.0, offset=0.0):
    """Signals whose scale differs by powers of ten from record to record, and whose class is their shape.

    Args:
        number: Of records.
        seed: Of what is drawn.
        decades: Powers of ten that the scales are spread over.
        offset: Standard deviation of a signal's level, in units of 1.
    """
    random = np.random.default_rng(seed)
    for index in range(number):
        is_sharp, scale = index % 2, 10 ** random.uniform(-decades / 2, decades / 2)
        steps = np.arange(random.integers(40, 80))
        shape = np.sin(0.5 * steps)
        values = scale * ((shape**3 if is_sharp else shape) + 0.05 * random.normal(size=len(steps)))
        values += offset * random.normal()
        yield {"id": f"s{index}", "kind": ["round", "sharp"][is_sharp]}, {"value": values.astype("float32").tolist()}


def spread_of(decades):
    """Standard deviation of the logarithm of scales that are spread over so many powers of ten."""
    return decades * math.log(10) / math.sqrt(12)
