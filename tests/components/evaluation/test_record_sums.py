import numpy as np

from tfx_sequences.components.evaluation.record_sums import MeasuresOf, figures_by_range, length_ranges_of, step_sums
from tfx_sequences.schemas.spec.label import Label

LABEL = Label(key="level", type="regression", per_step=True).model_dump_json()
ERRORS = np.float32([[1, 2, 3, 0], [1, 1, 1, 4]])
PREDICTIONS = {
    "level_targets": np.zeros((2, 4), "float32"),
    "level_outputs": ERRORS[..., None],
    "level_weights": np.float32([[1, 1, 2, 0], [1, 0, 1, 1]]),
    "sequence_length": np.array([3, 4]),
    "cut_steps": np.array([0, 9]),
}


def test_sums_of_ranges_are_those_of_numpy_and_add_up():
    measures = MeasuresOf(LABEL, None)({})
    sums, counts = step_sums(PREDICTIONS, measures, "level_", [(0, 2), (2, None)])
    weights = PREDICTIONS["level_weights"]
    for place, steps in enumerate((slice(0, 2), slice(2, 4))):
        its, errors = weights[:, steps], ERRORS[:, steps]
        expected = np.stack([its.sum(1), (its * errors**2).sum(1), (its * errors).sum(1)], axis=1)
        np.testing.assert_allclose(sums[:, place], expected)
    np.testing.assert_array_equal(counts, [[2, 1], [2, 2]])
    figures = figures_by_range(measures, sums.sum(axis=0))
    np.testing.assert_allclose(figures[0]["mean_squared_error"], (1 + 4 + 1) / 3)


def test_cut_steps_count_for_the_range_of_a_length():
    assert length_ranges_of(PREDICTIONS, [(0, 4), (4, 10), (10, None)]) == ["0-3", "10 and more"]
