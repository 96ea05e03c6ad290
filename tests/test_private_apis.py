"""Private, raw and experimental names of other packages that ours uses: one canary for each.

When a new version of TensorFlow, Keras, TFX, TFT, TFMA, Beam or keras-tuner breaks something, the canary that fails
names it. The last two tests search the package for such names, so that none is used without a canary.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.records import example

PACKAGE = Path(__file__).parents[1] / "tfx_sequences"
FOREIGN = {
    "apache_beam",
    "keras",
    "keras_tuner",
    "tensorflow",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform",
    "tf_keras",
    "tfx",
    "tfx_bsl",
}
LISTED: set[str] = set()


def canary(*names: str):
    """Marks the test of these names, which are written as `names_in` finds them."""
    LISTED.update(names)
    return lambda test: test


# TensorFlow


@canary("raw_ops.Assert")
def test_assert():
    tf.raw_ops.Assert(condition=True, data=["unused"])
    # `without_graph` removes what surrounds the message.
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"assertion failed: \[not two:\] \[3\]"):
        tf.raw_ops.Assert(condition=False, data=["not two:", 3])


@canary("raw_ops.Bucketize")
def test_bucketize():
    found = tf.raw_ops.Bucketize(input=[0.5, 1.0, 9.0], boundaries=[1.0, 2.0])
    assert found.numpy().tolist() == [0, 1, 2]


@canary("raw_ops.Dequantize")
def test_dequantize():
    quantized = tf.bitcast(tf.constant([[0, 51, 255]], tf.uint8), tf.quint8)
    found = tf.raw_ops.Dequantize(input=quantized, min_range=-1.0, max_range=4.0)
    np.testing.assert_allclose(found, [[-1, 0, 4]], atol=1e-6)


@canary("raw_ops.InplaceUpdate")
def test_inplace_update():
    numbers = tf.random.uniform([3, 2])
    before = numbers.numpy()
    found = tf.raw_ops.InplaceUpdate(x=numbers, i=[2, 0], v=[[5.0, 6.0], [7.0, 8.0]])
    np.testing.assert_array_equal(found, [[7, 8], before[1], [5, 6]])


@canary("raw_ops.UpperBound")
def test_upper_bound():
    found = tf.raw_ops.UpperBound(sorted_inputs=[[0, 0, 2]], values=[[0, 1, 2]], out_type=tf.int64)
    assert found.numpy().tolist() == [[2, 2, 3]]


@canary("raw_ops.ParseExampleV2")
def test_parse_example():
    nothing = tf.constant([], tf.string)
    found = tf.raw_ops.ParseExampleV2(
        serialized=[example({"n": 3}).SerializeToString(), example({"n": 4}).SerializeToString()],
        names=nothing,
        sparse_keys=nothing,
        dense_keys=["n"],
        ragged_keys=nothing,
        dense_defaults=[tf.constant([], tf.int64)],
        num_sparse=0,
        sparse_types=[],
        ragged_value_types=[],
        ragged_split_types=[],
        dense_shapes=[[]],
    )
    assert found.dense_values[0].numpy().tolist() == [3, 4]


@canary("raw_ops.TFRecordDataset")
def test_tfrecord_dataset(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        writer.write(b"one")
    variant = tf.raw_ops.TFRecordDataset(
        filenames=[str(tmp_path / "records")], compression_type="", buffer_size=tf.constant(100, tf.int64)
    )
    records = tf.data.experimental.from_variant(variant, tf.TensorSpec([], tf.string))
    assert list(records.as_numpy_iterator()) == [b"one"]


@canary("_inputs")
def test_a_dataset_of_ones_own_has_inputs():
    """`Dataset.map` asks for them, and for the variant tensor that `__init__` got."""

    class Own(tf.data.Dataset):
        def __init__(self) -> None:
            self.source = tf.data.Dataset.range(3)
            super().__init__(tf.data.experimental.to_variant(self.source))

        element_spec = tf.TensorSpec([], tf.int64)

        def _inputs(self) -> list[tf.data.Dataset]:
            return [self.source]

    assert [int(x) for x in Own().map(lambda x: x + 1)] == [1, 2, 3]


def applied(op: Any, function: Any, dtype: tf.DType = tf.int64, **arguments: Any) -> list[int]:
    """What a raw dataset op makes of 0, 1, 2 by a traced function, which is passed under the name in `arguments`."""
    attributes = {"experimental_ints_on_device": True}
    spec = [tf.TensorSpec([], tf.int64)]
    traced = tf.function(function, spec, experimental_attributes=attributes).get_concrete_function()
    given = {name: traced if value is None else value for name, value in arguments.items()}
    variant = op(
        input_dataset=tf.data.experimental.to_variant(tf.data.Dataset.range(3)),
        other_arguments=traced.captured_inputs,
        output_types=[dtype],
        output_shapes=[[]],
        **given,
    )
    made = tf.data.experimental.from_variant(variant, tf.TensorSpec([], dtype))
    return [int(x) for x in made]


@canary("raw_ops.MapDataset", "experimental.from_variant", "experimental.to_variant")
def test_map_dataset():
    assert applied(tf.raw_ops.MapDataset, lambda x: [x * 2], f=None) == [0, 2, 4]


@canary("raw_ops.ParallelMapDatasetV2")
def test_parallel_map_dataset():
    calls = tf.constant(2, tf.int64)
    assert applied(tf.raw_ops.ParallelMapDatasetV2, lambda x: [x * 2], f=None, num_parallel_calls=calls) == [0, 2, 4]


@canary("raw_ops.FlatMapDataset")
def test_flat_map_dataset():
    def twice(x):
        return [tf.data.experimental.to_variant(tf.data.Dataset.from_tensors(x).repeat(2))]

    assert applied(tf.raw_ops.FlatMapDataset, twice, f=None) == [0, 0, 1, 1, 2, 2]


@canary("raw_ops.TakeWhileDataset", "experimental_attributes", "experimental_ints_on_device")
def test_take_while_dataset():
    assert applied(tf.raw_ops.TakeWhileDataset, lambda x: [x < 2], predicate=None) == [0, 1]


@canary("experimental_optimization")
def test_rewriting_of_a_datasets_graph_can_be_left_out():
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    assert list(tf.data.Dataset.range(2).with_options(options).as_numpy_iterator()) == [0, 1]


@canary("raw_ops.BlockLSTMV2", "raw_ops.BlockLSTMGradV2")
def test_block_lstm():
    """With weights of zero the gates are 1/2; a great bias of the second gate, `forget`, makes it 1."""
    c, zeros = tf.constant([[0.7]]), tf.zeros([1])
    same = {
        "seq_len_max": tf.constant(1, tf.int64),
        "x": tf.zeros([1, 1, 1]),
        "cs_prev": c,
        "h_prev": tf.zeros([1, 1]),
        "w": tf.zeros([2, 4]),
        **dict.fromkeys(("wci", "wcf", "wco"), zeros),
        "b": tf.constant([0.0, 100.0, 0.0, 0.0]),
        "use_peephole": False,
    }
    done = tf.raw_ops.BlockLSTMV2(**same, cell_clip=0.0)
    np.testing.assert_allclose(done.cs[0], c, rtol=1e-6)
    np.testing.assert_allclose(done.h[0], 0.5 * np.tanh(0.7), rtol=1e-6)
    ones = tf.ones([1, 1, 1])
    back = tf.raw_ops.BlockLSTMGradV2(**same, **done._asdict(), cs_grad=0 * ones, h_grad=ones)
    np.testing.assert_allclose(back.cs_prev_grad, 0.5 * (1 - np.tanh(0.7) ** 2), rtol=1e-5)


@canary("experimental.TrackableResource")
def test_lookup_tables_are_trackable_resources():
    initializer = tf.lookup.KeyValueTensorInitializer(["a"], [1])
    assert isinstance(tf.lookup.StaticHashTable(initializer, 0), tf.saved_model.experimental.TrackableResource)


@canary("tensorflow.python.trackable")
def test_a_table_that_is_made_while_a_function_is_traced_is_tracked():
    from tensorflow.python.trackable import resource

    tracker = resource.ResourceTracker()

    def look_up(keys):
        with tf.init_scope():
            initializer = tf.lookup.KeyValueTensorInitializer(["a"], tf.constant([1], tf.int64))
            table = tf.lookup.StaticHashTable(initializer, -1)
        return table.lookup(keys)

    with resource.resource_tracker_scope(tracker):
        traced = tf.function(look_up).get_concrete_function(tf.TensorSpec([None], tf.string))
    assert [type(table) for table in tracker.resources] == [tf.lookup.StaticHashTable]
    assert traced(tf.constant(["a", "b"])).numpy().tolist() == [1, -1]


@canary("experimental.read_fingerprint")
def test_fingerprint_of_a_saved_model(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    assert str(tf.saved_model.experimental.read_fingerprint(str(tmp_path)).saved_model_checksum).isdigit()


@canary("experimental_local_results")
def test_results_of_the_replicas_of_this_machine():
    assert tf.distribute.get_strategy().experimental_local_results(3) == (3,)


@canary("_value_specs")
def test_specs_of_the_replicas():
    from tensorflow.python.distribute.values import PerReplicaSpec

    specs = tf.TensorSpec([None]), tf.TensorSpec([2])
    assert tuple(PerReplicaSpec(*specs)._value_specs) == specs


@canary("_name", "_dimension", "_initializer", "_ckpt_to_load_from", "_trainable")
def test_shared_embeddings_of_feature_columns():
    with tf.Graph().as_default():  # they are refused where TensorFlow is eager
        words = tf.feature_column.categorical_column_with_identity("word", 3)
        [column] = tf.feature_column.shared_embeddings(
            [words], dimension=4, shared_embedding_collection_name="table", trainable=False
        )
    creator = column.shared_embedding_column_creator
    assert (creator._name, creator._dimension, creator._trainable) == ("table", 4, False)
    assert callable(creator._initializer) and creator._ckpt_to_load_from is None


# Keras


@canary("_keras_mask")
def test_a_mask_set_by_hand_travels_to_the_next_layer():
    steps = tf.constant([[[1.0], [9.0]]])
    steps._keras_mask = tf.constant([[True, False]])
    assert keras.layers.GlobalAveragePooling1D()(steps).numpy().tolist() == [[1.0]]


@canary("_convert_input_args", "_allow_non_tensor_positional_args")
def test_a_layer_can_get_its_inputs_unconverted():
    class Kept(keras.layers.Layer):
        def __init__(self):
            super().__init__(autocast=False)
            self._convert_input_args = False
            self._allow_non_tensor_positional_args = True

        def call(self, inputs):
            return inputs

    ragged = tf.ragged.constant([[1], []])
    assert Kept()(ragged) is ragged
    assert Kept()(["a", 1]) == ["a", 1]


@canary("_flatten_layers")
def test_all_layers_of_a_model_with_those_within():
    inner = keras.layers.Dense(1)
    model = keras.Sequential([keras.layers.Input((3, 2)), keras.layers.TimeDistributed(inner)])
    assert any(layer is inner for layer in model._flatten_layers())


@canary("inner_loop")
def test_a_recurrent_layer_computes_all_steps_in_one_method():
    calls = []

    class Noted(keras.layers.LSTM):
        def inner_loop(self, sequences, initial_state, mask, training=False):
            calls.append((sequences.shape, len(initial_state), mask.shape))
            return super().inner_loop(sequences, initial_state, mask, training)

    Noted(2)(np.ones((1, 3, 4), "float32"), mask=np.ones((1, 3), bool))
    assert [(tuple(x), states, tuple(mask)) for x, states, mask in calls] == [((1, 3, 4), 2, (1, 3))]


@canary("stopped_epoch", "best_epoch", "best_weights", "wait", "best", "cooldown_counter")
def test_what_callbacks_remember_from_epoch_to_epoch():
    """The state of a callback is what its methods change; a backup keeps these and no others."""
    stopping = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=2, cooldown=2)
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    changed: dict[Any, set[str]] = {stopping: set(), plateau: set()}
    for callback, names in changed.items():
        callback.set_model(model)
        callback.on_train_begin()
        before = dict(vars(callback))
        for epoch, loss in enumerate((2.0, 1.0, 3.0, 3.0)):
            callback.on_epoch_end(epoch, {"loss": loss})
            names |= {name for name, value in vars(callback).items() if value is not before.get(name)}
    # These two follow from the constructor's arguments and the metric's direction.
    derived = {"monitor_op", "min_delta"}
    assert changed[stopping] - derived == {"wait", "stopped_epoch", "best", "best_epoch", "best_weights"}
    assert changed[plateau] - derived == {"wait", "best", "cooldown_counter"}


@canary("keras_tuner.engine")
def test_the_base_of_all_tuners():
    import keras_tuner
    from keras_tuner.engine import base_tuner

    assert issubclass(keras_tuner.Tuner, base_tuner.BaseTuner)
    assert list(inspect.signature(base_tuner.BaseTuner.run_trial).parameters)[:2] == ["self", "trial"]
    assert issubclass(keras_tuner.errors.FatalError, Exception)
    assert issubclass(keras_tuner.errors.FailedTrialError, Exception)


# TFT, TFMA and Beam


@canary("saved_transform_io_v2", "_imported")
def test_the_loader_of_a_transform_graph_keeps_what_it_loaded():
    from tensorflow_transform.saved import saved_transform_io_v2

    assert "self._imported = " in inspect.getsource(saved_transform_io_v2.SavedModelLoader)


@canary("experimental.ptransform_analyzer")
def test_an_analyzer_from_a_beam_transform():
    import tensorflow_transform as tft

    needed = {"inputs", "ptransform", "output_dtypes", "output_shapes", "name"}
    assert needed <= set(inspect.signature(tft.experimental.ptransform_analyzer).parameters)


@canary("tensorflow_model_analysis.view")
def test_the_view_of_slices_and_the_script_that_draws_it():
    from tensorflow_model_analysis.view import util

    assert list(inspect.signature(util.get_slicing_metrics).parameters)[:2] == ["results", "slicing_column"]
    assert list(inspect.signature(util.get_slicing_config).parameters)[:1] == ["eval_config"]
    script = resources.files("tensorflow_model_analysis") / "static" / "vulcanized_tfma.js"
    assert "tfma-nb-slicing-metrics" in script.read_text("utf-8")


@canary("apache_beam.runners.runner")
def test_a_runner_by_its_name():
    from apache_beam.runners.runner import create_runner

    assert type(create_runner("FnApiRunner")).__name__ == "FnApiRunner"
    with pytest.raises((ValueError, ImportError, AttributeError)):
        create_runner("NoSuchRunner")


# TFX


@canary("_run_model_inference", "_make_beam_pipeline")
def test_the_bulk_inferrers_executor():
    from tfx.components.bulk_inferrer import executor

    from tfx_sequences.components.stages.bulk_inference import Executor

    theirs = inspect.signature(executor.Executor._run_model_inference)
    assert list(inspect.signature(Executor._run_model_inference).parameters) == list(theirs.parameters)
    with executor.Executor()._make_beam_pipeline() as pipeline:
        assert callable(pipeline.apply)


@canary("_GetDesiredBatchSize")
def test_transforms_processor():
    from tfx.components.transform import executor

    # `steady_transform` puts a processor of its own in the place of this name for the time of a run.
    assert "TransformProcessor(" in inspect.getsource(executor)
    assert callable(executor.TransformProcessor._GetDesiredBatchSize)


@canary("_DecodeBatchExamplesDoFn")
def test_decoder_of_sequence_examples():
    from tfx_bsl.tfxio import tf_sequence_example_record

    # `exact_integers` puts a decoder of its own in the place of this name while a pipeline is built.
    reader = tf_sequence_example_record._TFSequenceExampleRecordBase._RawRecordToRecordBatchInternal
    assert "_DecodeBatchExamplesDoFn(" in inspect.getsource(reader)
    assert callable(tf_sequence_example_record._DecodeBatchExamplesDoFn.process)


@canary("experimental.enable_op_determinism", "tensorflow.python.framework")
def test_op_determinism_can_be_switched_back():
    from tensorflow.python.framework import config

    before = config.is_op_determinism_enabled()
    tf.config.experimental.enable_op_determinism()
    assert config.is_op_determinism_enabled()
    config.disable_op_determinism()
    assert not config.is_op_determinism_enabled()
    if before:
        tf.config.experimental.enable_op_determinism()


@canary("_run_exitfuncs")
def test_exit_functions_run_before_a_process_leaves():
    program = "import atexit, os; atexit.register(print, 'once', flush=True); atexit._run_exitfuncs(); os._exit(3)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "once\n")


@canary("_GetFnArgs")
def test_the_trainers_executor():
    from tfx.components.trainer import executor

    parameters = inspect.signature(executor.GenericExecutor._GetFnArgs).parameters
    assert list(parameters) == ["self", "input_dict", "output_dict", "exec_properties"]


@canary("GenerateExamplesByBeam", "split_names")
def test_example_gen_names_the_splits_before_it_makes_them():
    from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor

    source = inspect.getsource(BaseExampleGenExecutor.Do)
    assert 0 < source.index(".split_names = ") < source.index("self.GenerateExamplesByBeam(")


@canary("tfx.dsl.component.experimental.annotations", "tfx.dsl.component.experimental.decorators")
def test_components_from_functions():
    from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
    from tfx.dsl.component.experimental.decorators import component
    from tfx.types.standard_artifacts import Model, Schema

    def checked(model, schema, spec):
        """Does nothing."""

    # TFX takes functions of a module only, and reads their annotations.
    checked.__qualname__ = "checked"
    checked.__annotations__ = {
        "model": InputArtifact[Model],
        "schema": OutputArtifact[Schema],
        "spec": Parameter[str],
        "return": None,
    }
    spec = component(checked).SPEC_CLASS
    assert (list(spec.INPUTS), list(spec.OUTPUTS), list(spec.PARAMETERS)) == (["model"], ["schema"], ["spec"])


@canary("RUNNING", "FINISHED", "CACHED")
def test_what_tfx_logs_about_its_components():
    from tfx.orchestration.local import local_dag_runner
    from tfx.orchestration.portable import launcher

    from tfx_sequences.pipeline.local.console import ComponentLogHandler

    runner = inspect.getsource(local_dag_runner)
    assert f"'{ComponentLogHandler.RUNNING}'" in runner and f"'{ComponentLogHandler.FINISHED}'" in runner
    assert f"'{ComponentLogHandler.CACHED}'" in inspect.getsource(launcher)


# The search


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Dotted names and syntax trees of the package's modules."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield name, ast.parse(path.read_text("utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name.isidentifier() and name != "_"


def defined_in(tree: ast.Module) -> set[str]:
    """Names that a module defines or sets on `self`."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            found.add(node.attr)
    return found


def is_self(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


# Public in spite of their names: of named tuples, and of `os`.
DOCUMENTED = ("_asdict", "_exit")


def names_in(tree: ast.Module, own: set[str]) -> set[str]:
    """Private, raw and experimental names of other packages in a module, each as short as it says what it is.

    >>> tree = ast.parse("tf.raw_ops.Abs(x=y._z); getattr(y, '_a'); self._own; f(experimental_x=1)")
    >>> sorted(names_in(tree, {"_own"}))
    ['_a', '_z', 'experimental_x', 'raw_ops.Abs']
    """
    found = set()
    own_here = defined_in(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            parent = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            # A module may look into another object of its own class.
            known = own if is_self(node.value) else own_here
            is_foreign = is_private(node.attr) and node.attr not in known
            if parent in ("raw_ops", "experimental"):
                found.add(f"{parent}.{node.attr}")
            elif node.attr.startswith("experimental_") or (is_foreign and node.attr not in DOCUMENTED):
                found.add(node.attr)
        elif isinstance(node, ast.keyword) and (node.arg or "").startswith("experimental_"):
            found.add(node.arg or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and is_private(str(name.value)) and not is_self(node.args[0]):
                found.add(str(name.value))
        elif isinstance(node, ast.Constant) and str(node.value).startswith("experimental_"):
            found.add(str(node.value))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            names = [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            for module in modules:
                parts = module.split(".")
                hidden = {"src", "experimental", "python", "raw_ops"} & set(parts) or any(
                    map(is_private, parts + names)
                )
                if parts[0] in FOREIGN and hidden:
                    found.add(module)
    return found


def test_every_name_that_the_package_uses_has_a_canary():
    own = {name for _, tree in trees() for name in defined_in(tree)}
    used = {name: module for module, tree in trees() for name in names_in(tree, own)}
    assert {name: module for name, module in used.items() if name not in LISTED} == {}, "without a canary"


def test_every_canary_is_of_a_name_that_the_package_uses():
    text = "".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    assert [name for name in LISTED if name.rpartition(".")[2] not in text] == []


def foreign_bases(cls: type) -> list[type]:
    return [base for base in cls.__mro__ if base.__module__.partition(".")[0] in FOREIGN]


def test_every_private_name_that_a_class_overrides_has_a_canary():
    """A name that a class of ours defines or sets is theirs if the source of a base class in another package has it."""
    overridden = {}
    for module, tree in trees():
        for node in (n for n in tree.body if isinstance(n, ast.ClassDef) and n.bases):
            cls = getattr(importlib.import_module(module), node.name)
            names = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
            names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and is_self(n.value)}
            private = sorted(name for name in names if is_private(name))
            for base in foreign_bases(cls) if private else []:
                source = inspect.getsource(base)
                theirs = [n for n in private if re.search(rf"\bself\.{n} = |\bdef {n}\(", source)]
                overridden |= {name: f"{module}.{node.name}" for name in theirs if name not in LISTED}
    assert overridden == {}
