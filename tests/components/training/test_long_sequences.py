"""Records of about 1 000 steps are learned with the default network: evidence at any step reaches the label."""

import numpy as np
import pytest

from tests.components.training.learned_rules import learned
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TRAIN, TEST, BURST = 200, 100, 12


def bursts(number, seed):
    """Noise of 800 to 1 200 steps with a burst of 12 steps at a random place: rising or falling."""
    random = np.random.default_rng(seed)
    ramp = np.linspace(-3, 3, BURST)
    for index in range(number):
        rises = index % 2
        values = random.normal(size=random.integers(800, 1200)).astype("float32")
        at = random.integers(0, len(values) - BURST)
        values[at : at + BURST] += ramp if rises else -ramp
        yield {"kind": ["falling", "rising"][rises]}, {"value": values.tolist()}


@pytest.mark.slow
def test_a_burst_is_found_wherever_it_is(tmp_path):
    # Cell, units, directions, pooling, dropout and learning rate are the defaults.
    spec = SequenceSpec(
        name="bursts",
        sequence={"value": {"type": "numeric"}},
        label={"key": "kind"},
        batching={"batch_size": 16},
        training={"epochs": 15, "early_stopping_patience": None},
    )
    accuracy, _ = learned(spec, bursts(TRAIN, 1), bursts(TEST, 2), tmp_path)
    assert accuracy >= 0.95
