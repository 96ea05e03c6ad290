import keras
import numpy as np
import pytest

from tests.components.network.padded_records import batch
from tests.components.network.small_models import CLASSES, make_spec
from tfx_sequences.components.network.model import build_model, compile_model


@pytest.mark.parametrize("name", ["mixed_bfloat16", "mixed_float16"])
def test_a_network_of_half_precision_trains_with_weights_and_outputs_of_float32(name):
    keras.utils.set_random_seed(1)
    spec = make_spec(units=(4,)).model_copy(
        update={"training": make_spec().training.model_copy(update={"precision": name})}
    )
    exact = build_model(make_spec(units=(4,)), CLASSES)
    model = build_model(spec, CLASSES)
    model.set_weights(exact.get_weights())
    np.testing.assert_allclose(model(batch(4)), exact(batch(4)), atol=0.05)
    assert not np.array_equal(model(batch(4)), exact(batch(4)))
    assert {str(w.dtype) for w in model.trainable_weights} == {"float32"}
    compile_model(model, spec, CLASSES, steps_per_epoch=3)
    assert hasattr(model.optimizer, "inner_optimizer") == (name == "mixed_float16")
    before = model.get_weights()
    loss = model.train_on_batch(batch(4), np.array([0, 2, 1, 1]))[0]
    assert np.isfinite(loss)
    assert not np.array_equal(before[-1], model.get_weights()[-1])
