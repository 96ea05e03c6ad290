import keras
import numpy as np
import pytest

from tfx_sequences.components.network.concat_pooling import ConcatPooling1D


@pytest.mark.parametrize("bidirectional", [True, False])
def test_it_equals_numpy_on_the_unpadded_rows(bidirectional):
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32") - 4
    lengths = [5, 2, 1, 0]
    layer = ConcatPooling1D(bidirectional)
    pooled = layer(x, mask=np.arange(5)[None] < np.array(lengths)[:, None])
    for row, n in enumerate(lengths[:3]):
        real = x[row, :n]
        last = [real[-1, 0], real[0, 1]] if bidirectional else real[-1]
        np.testing.assert_allclose(pooled[row], [*last, *real.mean(0), *real.max(0)], rtol=1e-6)
    np.testing.assert_array_equal(pooled[3], np.zeros(6))
    assert layer.compute_output_shape(x.shape) == pooled.shape


def test_it_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, ConcatPooling1D(bidirectional=True)(inputs))
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


def test_half_precision_pools_long_sequences_too():
    x = np.ones((1, 5000, 2), "float32")
    pooled = ConcatPooling1D(dtype="mixed_float16")(x)
    np.testing.assert_array_equal(pooled, np.ones((1, 6)))
