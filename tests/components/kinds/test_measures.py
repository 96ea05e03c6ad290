import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.measures import Measures, Sums, WeightedMeans
from tfx_sequences.schemas.spec.label import Label


class Extremes(Sums):
    """How many outputs are above 1."""

    size = 1
    left_out = frozenset({"share_of_extremes"})

    def sums(self, targets, outputs, weights):
        return tf.cast(outputs > 1, tf.float32)[:, None]

    def figures(self, total):
        return {"extremes": total[0], "share_of_extremes": total[0] / 4}

    def undefined(self, total, found):
        return {"share_of_extremes"} if total[0] == 0 else set()


@pytest.fixture
def measures():
    means = WeightedMeans(("error", "loss"), lambda y, x: [tf.abs(y - x), tf.square(y - x)], per_step=False)
    return Measures(Label(key="y", type="regression"), [means, Extremes()])


TARGETS, OUTPUTS = np.float32([1, 2, np.nan, 0]), np.float32([1, 4, 3, -1])
WEIGHTS = np.float32([1, 3, 0, 2])


def test_parts_stand_one_after_another(measures):
    sums = measures.sums(TARGETS, OUTPUTS, WEIGHTS)
    assert sums.shape == (4, measures.size) == (4, 4)
    np.testing.assert_array_equal(sums, [[1, 0, 0, 0], [3, 6, 12, 1], [0, 0, 0, 1], [2, 2, 2, 0]])
    assert measures.part_of(Extremes, np.sum(sums, 0)).tolist() == [2]
    assert measures.part_of(Measures, np.sum(sums, 0)) is None


def test_means_are_by_weight(measures):
    found = measures.measured(np.sum(measures.sums(TARGETS, OUTPUTS, WEIGHTS), 0))
    assert found == pytest.approx({"error": 8 / 6, "loss": 14 / 6, "extremes": 2, "share_of_extremes": 0.5})


def test_what_nothing_defines_is_not_measured(measures):
    assert measures.measured(np.zeros(4)) == {}
    assert set(measures.measured(np.array([1.0, 1.0, 1.0, 0.0]))) == {"error", "loss", "extremes"}


def test_training_shows_what_its_loss_does_not_say(measures):
    assert set(measures.shown(np.ones(4))) == {"error", "extremes"}
