"""Forecasts, their losses, gradients and figures: padding and batches must not matter; known futures and seasons do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.forecast_head import SeasonsBefore
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

HORIZON = 3
LENGTHS = np.array([5, 1, 0, 3, 7, 2])
SPECS = {
    "direct": {},
    "direct with a future": {"known_future": {"w": "w_ahead"}, "forecast": {"lags": (2, 4), "units": 5}},
    "autoregressive": {"forecast": {"decoder": "autoregressive", "units": 5, "teacher_forcing": 0.0}},
    "autoregressive with a future": {
        "known_future": {"w": "w_ahead"},
        "forecast": {"decoder": "autoregressive", "units": 5, "teacher_forcing": 0.0, "normalization": {"log": True}},
    },
}


def spec_of(fields, **changes):
    label = {"key": "future", "type": "forecast", "horizon": HORIZON, "target": "x", **fields}
    return SequenceSpec(
        **{
            "name": "s",
            "sequence": {"x": {"type": "numeric"}, "w": {"type": "numeric", "shape": (2,), "normalizer": "none"}},
            "label": label,
            "model": {"units": (4,), "dropout": 0.0},
            **changes,
        }
    )


def batch(spec, rows=range(6), steps=7, filler=1e6):
    """Some records, padded with what would be seen if anything looked there."""
    random = np.random.default_rng(3)
    x = random.normal(50, 9, (len(LENGTHS), 12)).astype("float32")
    w = random.normal(size=(len(LENGTHS), 12, 2)).astype("float32")
    real = np.arange(12) < LENGTHS[:, None]
    x, w = np.where(real, x, filler), np.where(real[..., None], w, filler)
    targets = np.concatenate([random.normal(50, 9, (len(LENGTHS), HORIZON)), np.full((len(LENGTHS), 1), 2.5)], axis=1)
    ahead = random.normal(size=(len(LENGTHS), HORIZON, 2))
    weights = np.float32([1, 2, 1, 0, 0.5, 3])
    inputs = {"sequence.x": x[:, :steps], "sequence.w": w[:, :steps], "sequence_length": LENGTHS}
    if spec.heads["label"].known_future:
        inputs["future.w"] = ahead
    chosen = {name: tf.constant(value[list(rows)]) for name, value in inputs.items()}
    chosen = {name: tf.cast(v, tf.float32) if name != "sequence_length" else v for name, v in chosen.items()}
    return chosen, tf.constant(targets[list(rows)], tf.float32), tf.constant(weights[list(rows)])


def built(spec):
    keras.utils.set_random_seed(1)
    statistics = TaskStatistics({}, {"label": HeadStatistics(targets=10)})
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, steps_per_epoch=2)
    return model


@pytest.fixture(scope="module", params=SPECS)
def case(request):
    spec = spec_of(SPECS[request.param])
    return spec, built(spec)


def one_by_one(spec):
    return [batch(spec, [row], max(length, 1)) for row, length in enumerate(LENGTHS)]


def test_padding_does_not_matter_to_a_forecast(case):
    spec, model = case
    together = model(batch(spec, steps=11)[0], training=False).numpy()
    assert together.shape == (len(LENGTHS), HORIZON) and np.isfinite(together).all()
    alone = np.concatenate([model(inputs, training=False) for inputs, _, _ in one_by_one(spec)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-4)


def gradient(model, batches):
    """Of an epoch: the sum of those of its batches."""
    total = [0.0] * len(model.trainable_variables)
    for inputs, targets, weights in batches:
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(inputs, targets, outputs, weights, training=True)
        parts = tape.gradient(loss, model.trainable_variables, unconnected_gradients="zero")
        total = [a + tf.convert_to_tensor(b).numpy() for a, b in zip(total, parts, strict=True)]
    return total


def test_neither_padding_nor_batches_matter_to_gradients(case):
    spec, model = case
    expected = gradient(model, one_by_one(spec))
    assert max(np.abs(part).max() for part in expected) > 1e-3
    for batches in ([batch(spec, steps=10)], [batch(spec, [1, 2, 5], 2), batch(spec, [0, 3, 4], 9)]):
        for a, b in zip(expected, gradient(model, batches), strict=True):
            np.testing.assert_allclose(b, a, atol=1e-5)


def test_neither_padding_nor_batches_matter_to_figures(case):
    spec, model = case

    def figures(batches):
        model.reset_metrics()
        for one in batches:
            model.test_step(one)
        return {name: float(value) for name, value in model.get_metrics_result().items()}

    expected = figures(one_by_one(spec))
    assert {"loss", "smape", "mase", "mean_absolute_error"} <= set(expected)
    for batches in ([batch(spec, steps=10)], [batch(spec, [1, 2, 5], 2), batch(spec, [0, 3, 4], 9)]):
        for name, value in figures(batches).items():
            np.testing.assert_allclose(value, expected[name], rtol=1e-5, err_msg=name)


def test_a_forecast_is_in_the_series_units(case):
    """Another unit of the target changes the forecast as it does the target."""
    spec, model = case
    if spec.label.forecast.normalization.log:
        pytest.skip("a logarithm has no unit")
    inputs = batch(spec)[0]
    other = {**inputs, "sequence.x": inputs["sequence.x"] * 1000 - 7000}
    known = LENGTHS > 1
    expected = model(inputs, training=False).numpy()[known] * 1000 - 7000
    np.testing.assert_allclose(model(other, training=False).numpy()[known], expected, rtol=1e-3)


def test_a_known_future_matters_step_by_step(case):
    spec, model = case
    inputs = batch(spec)[0]
    if "future.w" not in inputs:
        pytest.skip("nothing is known")
    later = inputs["future.w"].numpy()
    later[:, 1] += 5.0
    changed = {**inputs, "future.w": tf.constant(later)}
    change = np.abs(model(changed, training=False) - model(inputs, training=False)).max(0)
    is_direct = spec.label.forecast.decoder == "direct"
    assert change[0] < 1e-6 < 1e-3 < change[1]
    assert (change[2] < 1e-6) == is_direct


def test_the_seasons_before_are_those_of_each_step():
    random = np.random.default_rng(0)
    series = random.normal(size=(4, 9)).astype("float32")
    lengths = np.array([9, 5, 2, 0])
    found = SeasonsBefore((2, 4), 5)([series, lengths]).numpy()
    assert found.shape == (4, 5, 2)
    for row, end in enumerate(lengths):
        for step in range(5):
            for which, lag in enumerate((2, 4)):
                back = lag * -(-(step + 1) // lag)
                begin = end - 1 - back
                expected = series[row, begin + 1 + step] - series[row, begin] if begin >= 0 else 0.0
                np.testing.assert_allclose(found[row, step, which], expected, rtol=1e-6)


def test_a_season_is_learned_from_what_was_a_season_before():
    """A series that repeats itself, with a jump that no local rule explains: only its season tells the next values."""
    random = np.random.default_rng(5)
    season = random.normal(0, 1, (64, 6)).astype("float32")
    series = np.tile(season, (1, 3))
    spec = spec_of(
        {"forecast": {"lags": (6,), "normalization": {"scale": "none"}, "loss": "mean_absolute_error"}},
        sequence={"x": {"type": "numeric"}},
        model={"units": (4,), "dropout": 0.0, "bidirectional": False},
        training={"learning_rate": 0.02},
    )
    model = built(spec)
    inputs = {"sequence.x": tf.constant(series), "sequence_length": tf.fill([64], tf.constant(18, tf.int64))}
    targets = tf.constant(np.concatenate([season[:, :HORIZON], np.ones((64, 1))], axis=1), tf.float32)
    data = tf.data.Dataset.from_tensors((inputs, targets, tf.ones([64]))).repeat(40)
    history = model.fit(data, epochs=4, verbose=0).history
    # The last value alone would err by more than one on average.
    assert history["mean_absolute_error"][-1] < 0.2
