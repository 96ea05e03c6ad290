"""Signals whose scale differs by powers of ten from record to record are learnt without a word in the spec about it."""

import numpy as np
import pytest

from tests.components.training.learned_rules import learned
from tests.numbers import tails_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TRAIN, TEST = 200, 100


def loud_records(number, seed):
    """Noise whose scale alone tells the class."""
    random = np.random.default_rng(seed)
    for index in range(number):
        is_loud = index % 2
        scale = 10 ** random.uniform(*((0, 2) if is_loud else (-3, -1)))
        values = (scale * random.normal(size=random.integers(10, 20))).astype("float32")
        yield {"id": f"s{index}", "kind": ["quiet", "loud"][is_loud]}, {"value": values.tolist()}


@pytest.mark.slow
@pytest.mark.parametrize(("records", "epochs"), [(tails_records, 40), (loud_records, 10)])
def test_shape_is_learnt_whatever_the_scale_and_so_is_the_scale(records, epochs, tmp_path):
    # The training is declared so that it takes little time; nothing is declared about the numbers.
    spec = SequenceSpec(
        name="tails",
        sequence={"value": {"type": "numeric"}},
        label={"key": "kind"},
        batching={"batch_size": 16},
        model={"units": (24,), "cell": "gru"},
        training={"epochs": epochs, "learning_rate": 0.01, "early_stopping_patience": None},
    )
    everyone = list(records(TRAIN + TEST, 7))
    accuracy, normalizers = learned(spec, everyone[:TRAIN], everyone[TRAIN:], tmp_path)
    assert normalizers == {"sequence.value": "per_record"}
    assert accuracy >= 0.95
