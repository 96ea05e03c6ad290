import numpy as np
import pytest

from tfx_sequences.components.pooling import MaskedPooling1D


@pytest.mark.parametrize("how", ["mean", "max"])
def test_pooling_equals_that_of_the_unpadded_rows(how):
    x = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32") - 4
    lengths = [5, 2, 1]
    mask = np.arange(5)[None] < np.array(lengths)[:, None]
    pooled = MaskedPooling1D(how)(x, mask=mask)
    expected = [getattr(np, how)(x[i, :n], axis=0) for i, n in enumerate(lengths)]
    np.testing.assert_allclose(pooled, expected, rtol=1e-6)
    np.testing.assert_allclose(MaskedPooling1D(how)(x), getattr(np, how)(x, axis=1), rtol=1e-6)
