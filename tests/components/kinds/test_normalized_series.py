import keras
import numpy as np
import pytest

from tfx_sequences.components.kinds.normalized_series import InSeriesUnits, NormalizedSeries

LENGTHS = np.array([4, 1, 0, 3, 4, 2])
SERIES = np.float32(
    [
        [5.0, 9.0, -2.0, 4.0],
        [8.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [1e6, 3e6, 2e6, 0.0],
        [7.0, 7.0, 7.0, 7.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
)
OPTIONS = [
    {"offset": offset, "scale": scale, "log": log}
    for offset in ("last", "mean", "none")
    for scale in ("std", "step", "level", "none")
    for log in (False, True)
]


def with_padding(steps, filler):
    wider = np.full((len(LENGTHS), steps), filler, "float32")
    for row, length in enumerate(LENGTHS):
        wider[row, :length] = SERIES[row, :length]
    return wider


def plain(series, offset, scale, log):
    """Of one series without padding, in float64: the normalised series, offset and scale."""
    x = series.astype("float64")
    x = np.sign(x) * np.log1p(np.abs(x)) if log else x
    if not len(x):
        return x, 0.0, 1.0
    about = {"last": x[-1], "mean": x.mean(), "none": 0.0}[offset]
    step = np.abs(np.diff(x)).mean() if len(x) > 1 else 0.0
    level = np.abs(x).mean()
    spread = {"std": x.std(), "step": step, "level": level, "none": 1.0}[scale]
    if scale != "none":
        spread = max(spread, 1e-3 * level) or 1.0
    return (x - about) / spread, about, spread


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_it_is_what_numpy_says_whatever_padding_holds(options):
    for steps, filler in ((4, 0.0), (7, 1e9), (7, float("nan"))):
        series = with_padding(steps, filler)
        normalized, offset, scale = NormalizedSeries(**options)([series, LENGTHS])
        assert normalized.shape == (6, steps)
        for row, length in enumerate(LENGTHS):
            expected, about, spread = plain(SERIES[row, :length], **options)
            np.testing.assert_allclose(normalized[row, :length], expected, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose([offset[row], scale[row]], [about, spread], rtol=1e-5)
            assert (np.asarray(normalized)[row, length:] == 0).all()


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_the_way_back_gives_the_series(options):
    normalized, offset, scale = NormalizedSeries(**options)([SERIES, LENGTHS])
    back = InSeriesUnits(**options)([normalized, offset, scale])
    real = np.arange(4) < LENGTHS[:, None]
    np.testing.assert_allclose(np.asarray(back)[real], SERIES[real], rtol=2e-6, atol=1e-5)


def test_a_small_change_of_a_large_series_is_not_rounded_with_its_logarithm():
    offset, change = np.float32(np.sign([1, 1, -1]) * np.log1p(5e4)), np.float32([1e-3, -2e-3, 5e-4])
    one, other = (
        np.float64(InSeriesUnits(log=True)([np.float32(change * part)[:, None], offset, np.ones(3, "float32")]))[:, 0]
        for part in (1.0, 1.0 + 2e-7)
    )
    # As large as what differs: of logarithms that are added first, it is their last place, 1e-6, or nothing.
    np.testing.assert_allclose(other, one, rtol=1.5e-7)
    exact = np.sign(offset) * np.expm1(np.abs(np.float64(offset) + np.float64(change)))
    np.testing.assert_allclose(one, exact, rtol=3e-7)


def test_its_gradients_are_finite_whatever_the_signs():
    import tensorflow as tf

    layer = InSeriesUnits(log=True)
    change = tf.Variable([[3.0, -3.0, -90.0], [2.0, -2.0, 80.0], [0.0, 1e-9, -1.0]])
    with tf.GradientTape() as tape:
        values = layer([change, tf.constant([80.0, -80.0, 0.0]), tf.ones([3])])
        total = tf.reduce_sum(tf.abs(values))
    gradient = tape.gradient(total, change)
    assert np.isfinite(values).all() and np.isfinite(gradient).all()
    # d/dc of expm1(c + o) is exp(c + o).
    np.testing.assert_allclose(gradient[0, :2], np.exp([83.0, 77.0]), rtol=1e-5)


def test_series_without_a_spread_have_a_finite_scale():
    for scale in ("std", "step", "level"):
        normalized, _, scales = NormalizedSeries(scale=scale)([SERIES, LENGTHS])
        assert np.isfinite(normalized).all() and (np.asarray(scales) > 0).all()
        # Nothing known, one step, constant, all zero.
        assert np.asarray(scales)[[2, 5]].tolist() == [1.0, 1.0]


def test_it_stays_in_float32_under_mixed_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        normalized, offset, scale = NormalizedSeries()([SERIES, LENGTHS])
        back = InSeriesUnits()([normalized, offset, scale])
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(back.dtype) == "float32"
    np.testing.assert_allclose(np.asarray(back)[3, :3], SERIES[3, :3], rtol=1e-6)
