import keras
import numpy as np
import pytest

from tfx_sequences.components.portable_model import is_half_precision, require_same_answers
from tfx_sequences.errors import TfxSequencesError


def answers(scores, words=("a", "b")):
    return {"scores": np.float32(scores), "predicted_class": np.array(words)}


def test_rounding_is_no_difference_nor_is_a_tie_that_falls_the_other_way():
    exact, near = answers([0.5, 0.25]), answers([0.5, 0.25001], words=("a", "c"))
    assert 0 < require_same_answers(near, exact, half=False) < 2e-5
    assert require_same_answers(answers([1000.5, 2]), answers([1000, 2]), half=False) == pytest.approx(5e-4)
    assert require_same_answers(answers([]), answers([]), half=False) == 0


@pytest.mark.parametrize("wrong", [0.6, np.nan])
def test_other_weights_are(wrong):
    with pytest.raises(TfxSequencesError, match=r"output 'scores' differs by [\s\S]*model\.builder"):
        require_same_answers(answers([wrong]), answers([0.5]), half=False)


def test_half_precision_may_round_more():
    near, exact = answers([0.52]), answers([0.5])
    assert require_same_answers(near, exact, half=True) == pytest.approx(0.02)
    with pytest.raises(TfxSequencesError):
        require_same_answers(near, exact, half=False)


def test_half_precision_is_that_of_any_layer():
    inputs = keras.Input((2,))
    for dtype, half in (("float32", False), ("mixed_bfloat16", True), ("mixed_float16", True)):
        model = keras.Model(inputs, keras.layers.Dense(1, dtype="float32")(keras.layers.Dense(1, dtype=dtype)(inputs)))
        assert is_half_precision(model) == half
