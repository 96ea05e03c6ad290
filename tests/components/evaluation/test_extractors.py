"""Data for slices by length and figures by range of steps, added to the extracts of a batch."""

import numpy as np
import pytest
from tensorflow_model_analysis import constants

from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.components.evaluation.extractors import LENGTH_SLICE, _ExtractSteps
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LABEL = {"key": "level", "type": "regression", "per_step": True}
LENGTHS = np.array([3, 0, 5])
CUT = np.array([0, 0, 2])
ERRORS = np.float32([[1, 2, 3, 0, 0], [0] * 5, [1, 1, 1, 1, 4]])
WEIGHTS = np.float32([[1, 1, 2, 0, 0], [0] * 5, [1, 0, 1, 1, 1]])


def config(**evaluation):
    spec = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label=LABEL, evaluation=evaluation)
    return make_eval_config(spec)


def predictions(errors=ERRORS):
    return {
        "targets": np.zeros((3, 5), "float32"),
        "outputs": errors[..., None],
        "weights": WEIGHTS,
        "sequence_length": LENGTHS,
        "cut_steps": CUT,
    }


def extracted(eval_config, given):
    batch = {constants.PREDICTIONS_KEY: given, constants.FEATURES_KEY: {"city": np.array([["a"]] * 3)}}
    [found] = _ExtractSteps(eval_config).process(batch)
    assert LENGTH_SLICE not in batch[constants.FEATURES_KEY], "the batch itself stays as it was"
    return found


def test_a_record_belongs_to_the_range_of_its_whole_length():
    features = extracted(config(length_slices=(2, 6)), predictions())[constants.FEATURES_KEY]
    assert features[LENGTH_SLICE].tolist() == [["2-5"], ["0-1"], ["6 and more"]]
    assert features["city"].shape == (3, 1)


def test_sums_and_real_steps_by_range_are_those_of_numpy():
    found = extracted(config(step_slices=(1, 3)), predictions())[constants.PREDICTIONS_KEY]
    ranges = [slice(0, 1), slice(1, 3), slice(3, 5)]
    for row in range(3):
        for number, steps in enumerate(ranges):
            weights, errors = WEIGHTS[row, steps], ERRORS[row, steps]
            expected = [weights.sum(), (weights * errors**2).sum(), (weights * errors).sum()]
            np.testing.assert_allclose(found["step_sums"][row, number], expected)
    np.testing.assert_array_equal(found["step_counts"], [[1, 2, 0], [0, 0, 0], [1, 2, 2]])


def test_without_slices_nothing_is_added():
    found = extracted(config(), predictions())
    assert found[constants.PREDICTIONS_KEY].keys() == predictions().keys()
    assert LENGTH_SLICE not in found[constants.FEATURES_KEY]


@pytest.mark.parametrize("names", [("candidate", "baseline")])
def test_each_model_has_sums_of_its_own_and_the_first_one_says_the_lengths(names):
    eval_config = config(step_slices=(3,), length_slices=(6,))
    eval_config.model_specs[0].name = names[0]
    eval_config.model_specs.add().CopyFrom(eval_config.model_specs[0])
    eval_config.model_specs[1].name = names[1]
    given = dict(zip(names, (predictions(), predictions(2 * ERRORS)), strict=True))
    found = extracted(eval_config, given)
    sums = [found[constants.PREDICTIONS_KEY][name]["step_sums"] for name in names]
    np.testing.assert_allclose(sums[1], sums[0] * [1, 4, 2])
    assert found[constants.FEATURES_KEY][LENGTH_SLICE].tolist() == [["0-5"], ["0-5"], ["6 and more"]]
