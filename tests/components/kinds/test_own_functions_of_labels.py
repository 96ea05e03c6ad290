"""A loss of one's own, and the losses by name against those of Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.kinds.own_functions_of_labels import head_loss
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.label import Label

HERE = __name__


def cubic(targets, outputs):
    """One loss for each target."""
    return tf.reduce_sum(tf.abs(outputs - targets[..., None]) ** 3, axis=-1)


def whole(targets, outputs):
    """One loss for all."""
    return tf.reduce_sum(outputs - targets[..., None])


def nothing(targets, outputs):
    """Forgets to return."""
    del targets, outputs


def test_a_function_of_ones_own_is_the_loss():
    label = Label(key="y", type="regression", per_step=True, loss=f"{HERE}.cubic")
    found = head_loss(label)(tf.constant([[1.0, 2.0]]), tf.constant([[[1.0], [4.0]]]))
    assert found.numpy().tolist() == [[0.0, 8.0]]


def broken(targets, outputs):
    """Divides by zero."""
    return targets / outputs + 1 // 0


def test_an_error_within_the_function_is_named():
    label = Label(key="y", type="regression", loss=f"{HERE}.broken")
    with pytest.raises(SpecError, match=r"loss: \S*broken failed: ZeroDivisionError"):
        head_loss(label)(tf.constant([1.0, 2.0]), tf.constant([[1.0], [4.0]]))


@pytest.mark.parametrize(("name", "received"), [("whole", r"shape \(\)"), ("nothing", "NoneType")])
def test_what_is_not_one_value_for_each_target_is_named(name, received):
    label = Label(key="y", type="regression", loss=f"{HERE}.{name}")
    with pytest.raises(SpecError, match=rf"loss: \S*{name} does not return one value[\s\S]*received: .*{received}"):
        head_loss(label)(tf.constant([1.0, 2.0]), tf.constant([[1.0], [4.0]]))


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("mean_squared_error", {}, keras.losses.mean_squared_error),
        ("mean_absolute_error", {}, keras.losses.mean_absolute_error),
        ("huber", {"delta": 0.7}, lambda y, p: keras.losses.huber(y, p, delta=0.7)),
        ("mean_absolute_percentage_error", {}, keras.losses.mean_absolute_percentage_error),
        ("pinball", {"quantile": 0.9}, lambda y, p: np.mean(np.where(y > p, 0.9 * (y - p), 0.1 * (p - y)), -1)),
    ],
)
def test_losses_of_numbers(name, options, expected):
    random = np.random.default_rng(0)
    targets, outputs = random.normal(size=(2, 50, 3)).astype("float32")
    label = Label(key="y", type="regression", shape=(3,), loss=name, loss_options=options)
    np.testing.assert_allclose(head_loss(label)(targets, outputs), expected(targets, outputs), rtol=1e-5)


def test_the_focal_loss_of_one_class():
    random = np.random.default_rng(1)
    targets, logits = random.integers(0, 3, 50), random.normal(size=(50, 3)).astype("float32")
    label = Label(key="y", loss="focal", loss_options={"gamma": 1.5})
    expected = keras.losses.categorical_focal_crossentropy(
        np.eye(3, dtype="float32")[targets], logits, alpha=1.0, gamma=1.5, from_logits=True
    )
    np.testing.assert_allclose(head_loss(label)(targets, logits), expected, rtol=1e-4)
    weighted = head_loss(label, ("a", "b", "c"), [1.0, 2.0, 3.0])(targets, logits)
    np.testing.assert_allclose(weighted, expected * (1.0 + targets), rtol=1e-4)


def test_the_focal_loss_of_several_classes():
    random = np.random.default_rng(2)
    targets, logits = random.integers(0, 2, (50, 3)).astype("float32"), random.normal(size=(50, 3)).astype("float32")
    label = Label(key="y", type="multi_label", shape=(3,), loss="focal")
    expected = 3 * keras.losses.binary_focal_crossentropy(targets, logits, gamma=2.0, from_logits=True)
    np.testing.assert_allclose(head_loss(label)(targets, logits), expected, rtol=1e-4)


def test_the_gradient_of_the_focal_loss_is_finite_where_nothing_is_left_to_learn():
    logits = tf.constant([[60.0, -60.0], [-60.0, 60.0]])
    for gamma in (0.5, 2.0):
        label = Label(key="y", loss="focal", loss_options={"gamma": gamma})
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = head_loss(label)(tf.constant([0, 0]), logits)
        assert np.isfinite(loss).all() and np.isfinite(tape.gradient(loss, logits)).all()
