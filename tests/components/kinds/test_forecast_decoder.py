import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.forecast_decoder import AutoregressiveDecoder

ROWS, HORIZON = 5, 4


def inputs(*, known=False):
    random = np.random.default_rng(1)
    parts = [
        random.normal(size=(ROWS, 6)),
        random.normal(size=ROWS),
        random.normal(10, 3, size=ROWS),
        random.uniform(1, 2, size=ROWS),
        random.normal(size=(ROWS, HORIZON, 2)),
    ]
    return [tf.constant(x, tf.float32) for x in parts[: 4 + known]]


def targets(values):
    return tf.concat([values, tf.ones([ROWS, 1])], axis=1)


def built(teacher_forcing, *, known=False, **options):
    keras.utils.set_random_seed(0)
    layer = AutoregressiveDecoder(HORIZON, 3, teacher_forcing, **options)
    layer(inputs(known=known))
    return layer


def test_it_takes_its_own_forecasts_where_nobody_teaches():
    for known in (False, True):
        layer = built(0.0, known=known)
        given = inputs(known=known)
        answered = layer(given)
        taught = layer.taught(targets(tf.random.normal([ROWS, HORIZON])), layer(given, training=True))
        np.testing.assert_allclose(taught, answered, rtol=1e-5)


def test_teaching_is_off_where_it_is_not_training():
    given = inputs()
    np.testing.assert_array_equal(built(0.0)(given, training=False), built(1.0)(given, training=False))


def test_where_it_is_taught_a_step_depends_on_the_true_value_before_it():
    layer, given = built(1.0), inputs()
    true = tf.random.normal([ROWS, HORIZON]) + 10.0
    before = layer.taught(targets(true), layer(given, training=True)).numpy()
    changed = true + tf.constant([0.0, 5.0, 0.0, 0.0])
    after = layer.taught(targets(changed), layer(given, training=True)).numpy()
    # A true value is seen by the steps behind it, and by none before.
    np.testing.assert_array_equal(after[:, :2], before[:, :2])
    assert (np.abs(after[:, 2:] - before[:, 2:]) > 1e-3).all()


def test_true_values_are_seen_in_the_units_of_the_network():
    """Taught its own answers, it answers the same again: what it is told is what it would have told itself."""
    for log in (False, True):
        layer, given = built(1.0, log=log), inputs()
        given[2], given[3] = given[2] / 5, given[3] / 5
        answered = layer(given)
        taught = layer.taught(targets(answered), layer(given, training=True))
        np.testing.assert_allclose(taught, answered, rtol=1e-4)


def test_how_often_it_is_taught_is_drawn():
    layer, given = built(0.5), inputs()
    true = tf.random.normal([ROWS, HORIZON]) + 30.0
    first, second = (layer.taught(targets(true), layer(given, training=True)).numpy() for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first[:, 0], second[:, 0])


def test_it_is_saved_and_loaded(tmp_path):
    symbolic = [keras.Input(x.shape[1:]) for x in inputs(known=True)]
    model = keras.Model(symbolic, AutoregressiveDecoder(HORIZON, 3, 0.5, log=True)(symbolic))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(inputs(known=True)), model(inputs(known=True)), rtol=1e-6)
