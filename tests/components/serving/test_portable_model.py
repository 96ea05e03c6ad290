import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tfx_sequences.components.serving.portable_model import (
    is_half_precision,
    require_portable_graph,
    require_same_answers,
)
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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "only one of them has the outputs .*scores"),
        ({"scores": np.float32([[0.5]])}, r"output 'scores' has shape \(1, 1\), not \(1,\)"),
        ({"scores": np.float32([0.7])}, "output 'scores' differs by 0.2"),
        ({"scores": np.float32([0.5]), "best": np.int64([1])}, "only one of them has the outputs .*best"),
    ],
)
def test_missing_outputs_other_shapes_and_other_numbers_are_refused(wrong, told):
    with pytest.raises(TfxSequencesError, match=told):
        require_same_answers(wrong, {"scores": np.float32([0.5])}, half=False)


def test_whole_numbers_must_be_equal():
    with pytest.raises(TfxSequencesError, match="output 'best' has different integers"):
        require_same_answers({"best": np.int64([3, 1])}, {"best": np.int64([3, 2])}, half=True)


def saved_model(folder, *nodes, in_function=False):
    """A SavedModel's graph of these operations, in the graph itself or in one of its functions."""
    saved = saved_model_pb2.SavedModel()
    graph = saved.meta_graphs.add().graph_def
    function = graph.library.function.add()
    function.signature.name = "forward_lstm"
    for name, op, device in nodes:
        (function.node_def if in_function else graph.node).add(name=name, op=op, device=device)
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(saved.SerializeToString())
    return str(folder)


@pytest.mark.parametrize("in_function", [False, True])
@pytest.mark.parametrize(
    ("op", "device", "told"),
    [
        ("CudnnRNNV3", "", "is CudnnRNNV3. With model.builder"),
        ("MatMul", "/device:GPU:0", "is MatMul on /device:GPU:0"),
        ("MatMul", "/job:worker/replica:0/task:1/device:GPU:1", "is MatMul on /job:worker"),
    ],
)
def test_a_kernel_or_a_place_that_only_some_machines_have_is_refused(tmp_path, op, device, told, in_function):
    where = "forward_lstm" if in_function else "the graph"
    folder = saved_model(tmp_path / "m", ("start", "Const", ""), ("odd", op, device), in_function=in_function)
    with pytest.raises(TfxSequencesError, match=f"'odd' in {where} {told}"):
        require_portable_graph(folder)


def test_what_runs_everywhere_is_not(tmp_path, exported_everything):
    require_portable_graph(saved_model(tmp_path / "m", ("a", "MatMul", ""), ("b", "MatMul", "/device:CPU:0")))
    require_portable_graph(str(exported_everything[1]))


def test_a_layer_that_is_placed_on_a_gpu_is_found_in_a_real_export(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def double(x):
        with tf.device("/device:GPU:0"):
            return tf.multiply(x, 2.0, name="on_the_gpu")

    module.double = double
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"serving_default": double})
    with pytest.raises(TfxSequencesError, match=r"on_the_gpu.* in .*double.* on /device:GPU:0"):
        require_portable_graph(str(tmp_path / "m"))
