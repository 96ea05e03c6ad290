import keras
import numpy as np
import tensorflow as tf

from tfx_sequences.components.kinds.head_statistics import HeadStatistics
from tfx_sequences.components.network.image_front import ImageVectors
from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.network.task_statistics import TaskStatistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RANDOM = np.random.default_rng(1)


def test_each_image_is_seen_alone_and_a_saved_layer_is_the_same():
    images = RANDOM.normal(size=(2, 3, 8, 6, 3)).astype("float32")
    layer = ImageVectors((4, 5), 7)
    found = layer(images)
    assert found.shape == (2, 3, 7)
    np.testing.assert_allclose(layer(images[:, 1]), found[:, 1], rtol=1e-5, atol=1e-6)
    again = ImageVectors.from_config(layer.get_config())
    again(images)
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(images), found, rtol=1e-6)


def test_a_network_with_images_does_not_see_padding_nor_give_it_gradients():
    image = {"type": "image", "height": 8, "width": 6}
    spec = SequenceSpec(
        name="s",
        sequence={"x": image, "n": {"type": "numeric"}},
        context={"c": image},
        label={"key": "y", "classes": ("a", "b")},
        model={"units": (4,)},
    )
    keras.utils.set_random_seed(0)
    model = build_model(spec, TaskStatistics({}, {"label": HeadStatistics(("a", "b"))}), use_cudnn=False)
    steps = RANDOM.normal(size=(3, 4, 8, 6, 3)).astype("float32")
    inputs = {
        "sequence.x": steps,
        "sequence.n": RANDOM.normal(size=(3, 4)).astype("float32"),
        "context.c": RANDOM.normal(size=(3, 8, 6, 3)).astype("float32"),
        "sequence_length": np.array([4, 2, 0]),
    }
    other = steps.copy()
    other[1, 2:] = 99
    other[2] = -99
    np.testing.assert_allclose(model(inputs), model({**inputs, "sequence.x": other}), atol=1e-6)
    watched = tf.constant(steps)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        total = tf.reduce_sum(model({**{n: tf.constant(v) for n, v in inputs.items()}, "sequence.x": watched})[:, 0])
    gradient = tape.gradient(total, watched).numpy()
    assert np.isfinite(gradient).all() and gradient[0].any() and gradient[1, :2].any()
    assert not gradient[1, 2:].any() and not gradient[2].any()
