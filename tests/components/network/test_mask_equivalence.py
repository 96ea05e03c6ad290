"""Padded rows under a mask are the rows themselves: outputs, states, losses and gradients, for every recurrent layer.

The reference of each batch is its rows one by one, as long as they are, without any mask.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    TimeDistributed,
)

from tfx_sequences.components.features.sequence_features import SequenceFeatures
from tfx_sequences.schemas.columns.column import BucketizedColumn, CategoricalColumn, Embedding
from tfx_sequences.schemas.columns.feature_columns import sequence_numeric_column

LENGTHS = (3, 0, 1, 2)
LONGEST = 3
IDS = {"dtype": "int64", "is_sequence": True}
# Numbers and ids that a network compiled by XLA can take, and then all that layers can.
PLAIN = [
    sequence_numeric_column("price"),
    sequence_numeric_column("lpc", shape=2),
    CategoricalColumn(key="item", num_buckets=4, embedding=Embedding(dimension=2), **IDS),
    CategoricalColumn(key="kind", num_buckets=3, indicator=True, **IDS),
]
SEVERAL = CategoricalColumn(
    key="tags", num_buckets=5, default_value=-1, multi_valued=True, embedding=Embedding(dimension=3), **IDS
)
SPEED = BucketizedColumn(key="speed", boundaries=(-0.5, 0.5), is_sequence=True, embedding=Embedding(dimension=2))
ALL = [*PLAIN, SEVERAL, SPEED]


def rows_of(lengths):
    """By feature, each row as a list of steps."""
    random = np.random.default_rng(3)
    number = lambda *shape: random.normal(size=shape).astype("float32").tolist()  # noqa: E731
    return {
        "price": [number(n) for n in lengths],
        "lpc": [number(n, 2) for n in lengths],
        "item": [random.integers(0, 4, n).tolist() for n in lengths],
        "kind": [random.integers(0, 3, n).tolist() for n in lengths],
        # The last step has some: a sparse tensor cannot tell a step without values from padding.
        "tags": [[random.integers(0, 5, (n - step) % 3).tolist() for step in range(n)] for n in lengths],
        "speed": [number(n) for n in lengths],
    }


def as_ragged(rows, width=None):
    shapes = {"lpc": (2,)}
    depth = {"lpc": 1, "tags": 2}
    return {
        key: tf.ragged.constant(
            value,
            dtype="float32" if key in ("price", "lpc", "speed") else "int64",
            ragged_rank=depth.get(key, 1),
            inner_shape=shapes.get(key, ()),
            row_splits_dtype="int64",
        )
        for key, value in rows.items()
    }


def as_dense(rows, width):
    """Padded to `width` steps with what no step can be: not-a-number, and ids far out of range."""
    batch = len(rows["price"])
    dense = {
        "price": np.full((batch, width), np.nan, "float32"),
        "lpc": np.full((batch, width, 2), np.nan, "float32"),
        "item": np.full((batch, width), 99, "int64"),
        "kind": np.full((batch, width), -7, "int64"),
        "tags": np.full((batch, width, 2), 77, "int64"),
        "speed": np.full((batch, width), np.inf, "float32"),
    }
    for key, value in rows.items():
        for row, steps in enumerate(value):
            for step, x in enumerate(steps):
                if key == "tags":
                    x = [*x, -1, -1][:2]
                dense[key][row, step] = x
    dense = {key: dense[key] for key in rows}
    return {**dense, "sequence_length": np.array([len(steps) for steps in rows["price"]], "int64")}


def as_sparse(rows, width):
    """`[B, width]`; steps of several values, and those without any, as they are."""
    sparse = {}
    for key, value in rows.items():
        inner = {"lpc": 2, "tags": 2}.get(key)
        cells = [
            ((row, step) + ((i,) if inner else ()), x)
            for row, steps in enumerate(value)
            for step, values in enumerate(steps)
            for i, x in enumerate(values if inner else [values])
        ]
        shape = (len(value), width) + ((inner,) if inner else ())
        dtype = "float32" if key in ("price", "lpc", "speed") else "int64"
        indices = np.array([at for at, _ in cells], "int64").reshape(-1, len(shape))
        sparse[key] = tf.SparseTensor(indices, np.array([x for _, x in cells], dtype), shape)
    return sparse


FORMS = [
    ("ragged", as_ragged, LONGEST),
    ("dense, wider", as_dense, LONGEST + 1),
    ("sparse", as_sparse, LONGEST),
    ("sparse, wider", as_sparse, LONGEST + 2),
    ("dense", as_dense, LONGEST),
    ("dense, far wider", as_dense, LONGEST + 9),
]
FEW_FORMS = FORMS[:2]


def lone(index, rows):
    """One row without padding."""
    return as_ragged({key: value[index : index + 1] for key, value in rows.items()})


CELLS = {
    "LSTM": lambda **k: LSTM(3, **k),
    "GRU": lambda **k: GRU(3, **k),
    "SimpleRNN": lambda **k: SimpleRNN(3, **k),
    "RNN(LSTMCell)": lambda **k: RNN(LSTMCell(3), **k),
    "RNN(GRUCell)": lambda **k: RNN(GRUCell(3), **k),
    "RNN(SimpleRNNCell)": lambda **k: RNN(SimpleRNNCell(3), **k),
    "RNN(stacked cells)": lambda **k: RNN([LSTMCell(3), GRUCell(2)], **k),
}


def _both(make, merge_mode):
    return lambda **k: Bidirectional(make(**k), merge_mode=merge_mode)


STEPS = {"return_sequences": True}
FINAL = {"return_sequences": True, "return_state": True}
NETWORKS = {
    **{name: (lambda make=make: [make(**FINAL)]) for name, make in CELLS.items()},
    **{
        f"Bidirectional({name}, {mode})": (lambda make=make, mode=mode: [_both(make, mode)(**FINAL)])
        for name, make in CELLS.items()
        for mode in ("concat", "sum")
        if mode == "concat" or "Cell)" not in name
    },
    "TimeDistributed(Dense)": lambda: [TimeDistributed(Dense(3, activation="tanh"))],
    "LSTM, GRU": lambda: [LSTM(3, **STEPS), GRU(2, **FINAL)],
    "Bidirectional(LSTM), LSTM": lambda: [Bidirectional(LSTM(3, **STEPS)), LSTM(2, **FINAL)],
    "GRU, Bidirectional(GRU)": lambda: [GRU(3, **STEPS), Bidirectional(GRU(2, **FINAL), merge_mode="sum")],
    "RNN(stacked cells), TimeDistributed(Dense)": lambda: [
        RNN([LSTMCell(3), GRUCell(2)], **STEPS),
        TimeDistributed(Dense(2, activation="tanh")),
    ],
}
# One of each mechanism, where a mode of use costs seconds.
SOME = ["LSTM", "RNN(stacked cells)", "Bidirectional(GRU, sum)"]


@keras.saving.register_keras_serializable("tests")
class Network(keras.Model):
    """Feature layer, recurrent layers, a number per step: `[score [B, T, 1], *final states]`."""

    def __init__(self, columns, recurrent, **kwargs):
        super().__init__(**kwargs)
        self.features = SequenceFeatures(columns, name="features")
        self.recurrent = recurrent
        self.score = Dense(1, name="score")

    def call(self, features):
        steps, _ = self.features(features)
        outputs = [steps]
        for layer in self.recurrent:
            outputs = keras.tree.flatten(layer(outputs[0]))
        return [self.score(outputs[0]), *outputs[1:]]

    def unmasked(self, features):
        """The same where there is no mask at all."""
        steps, _ = self.features(features)
        outputs = [tf.identity(steps)]
        assert not hasattr(outputs[0], "_keras_mask")
        for layer in self.recurrent:
            outputs = keras.tree.flatten(layer(outputs[0]))
        return [self.score(outputs[0]), *outputs[1:]]

    def build(self, input_shape=None):
        self.built = True  # its layers are when they are first called; a trial run by Keras would double the time

    def build_from_config(self, config):
        # Keras keeps the inputs' shapes but not their dtypes, and so asks this of models with other inputs than floats.
        self(as_ragged({key: value for key, value in rows_of((1,)).items() if key in config["input_shape"]}))

    def get_config(self):
        columns = [column.model_dump(mode="json") for column in self.features.columns]
        recurrent = [keras.saving.serialize_keras_object(layer) for layer in self.recurrent]
        return {**super().get_config(), "columns": columns, "recurrent": recurrent}

    @classmethod
    def from_config(cls, config):
        config["recurrent"] = [keras.saving.deserialize_keras_object(layer) for layer in config["recurrent"]]
        return cls(**config)


def network(name, columns=None):
    """All columns where it matters, few where 22 networks are tried."""
    keras.utils.set_random_seed(0)
    return Network(columns or (ALL if name in SOME else PLAIN), NETWORKS[name]())


def targets(width, lengths=LENGTHS):
    """What the score of each step should be; in the padding, garbage that a loss must not see."""
    random = np.random.default_rng(5)
    rows = [random.normal(size=(n, 1)).astype("float32") for n in lengths]
    padded = np.full((len(lengths), width, 1), 1e6, "float32")
    for row, value in enumerate(rows):
        padded[row, : len(value)] = value
    return rows, padded


def of_weights(tape, loss, model):
    gradients = tape.gradient(loss, model.trainable_variables)
    return {
        v.path: np.zeros(v.shape, "float32") if g is None else tf.convert_to_tensor(g).numpy()
        for v, g in zip(model.trainable_variables, gradients, strict=True)
    }


def sum_of_squares(states):
    return tf.add_n([tf.reduce_sum(tf.square(tf.cast(s, "float32"))) for s in states] or [tf.constant(0.0)])


def reference(model, rows, lengths=LENGTHS):
    """Outputs, losses and gradients of the rows one by one; None for a row without steps."""
    of_rows, _ = targets(LONGEST, lengths)
    outputs, total, gradients = [], 0.0, {}
    for index, length in enumerate(lengths):
        if not length:
            outputs.append(None)
            continue
        with tf.GradientTape() as tape:
            score, *states = model.unmasked(lone(index, rows))
            loss = keras.losses.MeanSquaredError(reduction="sum")(of_rows[index][None], score)
            loss_of_all = loss + sum_of_squares(states)
        outputs.append([np.asarray(tf.cast(x, "float32")) for x in (score, *states)])
        total += float(loss)
        for path, gradient in of_weights(tape, loss_of_all, model).items():
            gradients[path] = gradients.get(path, 0) + gradient
    return outputs, total, gradients


def assert_rows(outputs, expected, lengths=LENGTHS, **tolerance):
    score, *states = [np.asarray(tf.cast(x, "float32")) for x in outputs]
    assert len(score) == len(lengths)
    for index, length in enumerate(lengths):
        if expected[index] is None:
            # Nothing was seen: the state is the initial one.
            assert all(not np.any(state[index]) for state in states)
            continue
        np.testing.assert_allclose(score[index, :length], expected[index][0][0], **tolerance)
        for state, of_row in zip(states, expected[index][1:], strict=True):
            np.testing.assert_allclose(state[index], of_row[0], **tolerance)


def assert_nothing(outputs):
    """As they are where no row has a step."""
    score, *states = outputs
    assert np.all(np.isfinite(score))
    assert all(not np.any(state) for state in states)


CLOSE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_states_losses_and_gradients_are_those_of_the_rows(name):
    model, rows = network(name), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, loss, gradients = reference(model, rows)
    assert len(gradients) == len(model.trainable_variables)
    assert all(np.any(gradient) for gradient in gradients.values())
    for form, given, width in FORMS if name in SOME else FEW_FORMS:
        with tf.GradientTape() as tape:
            score, *states = model(given(rows, width))
            # The mask travels to the loss as well.
            total = keras.losses.MeanSquaredError(reduction="sum")(targets(width)[1], score)
            mean = keras.losses.MeanSquaredError()(targets(width)[1], score)
            loss_of_all = total + sum_of_squares(states)
        assert score.shape[1] == width, form
        assert_rows([score, *states], expected, err_msg=form, **CLOSE)
        np.testing.assert_allclose(total, loss, rtol=1e-5, err_msg=form)
        np.testing.assert_allclose(mean, loss / sum(LENGTHS), rtol=1e-5, err_msg=form)
        for path, gradient in of_weights(tape, loss_of_all, model).items():
            np.testing.assert_allclose(gradient, gradients[path], rtol=1e-4, atol=1e-5, err_msg=f"{form}: {path}")


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_without_steps_change_nothing_and_an_empty_batch_is_legal(name):
    model, rows = network(name), rows_of((0, 0))
    some_forms = (("dense", as_dense, 2), ("ragged", as_ragged, 1), ("sparse", as_sparse, 2))
    for form, given, width in some_forms if name in SOME else some_forms[:1]:
        with tf.GradientTape() as tape:
            score, *states = model(given(rows, width))
            loss = keras.losses.MeanSquaredError()(targets(width, (0, 0))[1], score) + sum_of_squares(states)
        assert score.shape == (2, width, 1), form
        assert_nothing([score, *states])
        assert float(loss) == 0, form
        for path, gradient in of_weights(tape, loss, model).items():
            assert not np.any(gradient), f"{form}: {path}"
    if "LSTM" in name or "stacked" in name:
        # Eagerly Keras 3.15 cannot add the [0, D] tensors of an LSTM cell: it takes them for biases. In a graph it can.
        return
    none = {key: [] for key in rows}
    for given, width in ((as_ragged, 1), (as_sparse, 2), (as_dense, 2)):
        score, *states = model(given(none, width))
        assert score.shape == (0, width, 1)
        assert all(state.shape[0] == 0 for state in states)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_explicit_mask_does_what_the_travelling_one_does(name):
    model, rows = network(name), rows_of(LENGTHS)
    steps, lengths = model.features(as_dense(rows, LONGEST + 1))
    mask = tf.sequence_mask(lengths, LONGEST + 1)
    np.testing.assert_array_equal(steps._keras_mask, mask)
    plain = tf.identity(steps)
    for layer in model.recurrent:
        travelling, explicit = layer(steps), layer(plain, mask=mask)
        for one, other in zip(tf.nest.flatten(travelling), tf.nest.flatten(explicit), strict=True):
            np.testing.assert_array_equal(one, other)
        steps = tf.nest.flatten(travelling)[0]
        plain = tf.identity(tf.nest.flatten(explicit)[0])
    # Without any mask the padding counts: what is compared above can differ.
    if "TimeDistributed" not in name:
        first = model.recurrent[0]
        steps, _ = model.features(as_dense(rows, LONGEST + 1))
        masked, unmasked = (tf.nest.flatten(first(x))[1:] for x in (steps, tf.identity(steps)))
        differences = [np.max(np.abs(one - other)) for one, other in zip(masked, unmasked, strict=True)]
        assert max(differences, default=1) > 1e-3


def any_batch(features):
    """The signature of features of any batch and number of steps."""

    def spec(key, value):
        if isinstance(value, tf.RaggedTensor):
            return tf.RaggedTensorSpec([None, None, *value.shape[2:]], value.dtype, value.ragged_rank, tf.int64)
        if isinstance(value, tf.SparseTensor):
            return tf.SparseTensorSpec([None, None, *value.shape[2:]], value.dtype)
        return tf.TensorSpec([None, None, *value.shape[2:]][: len(value.shape)], value.dtype, name=key)

    return {key: spec(key, value) for key, value in features.items()}


@pytest.mark.parametrize("name", [*SOME, "Bidirectional(LSTM), LSTM"])
def test_in_a_graph(name):
    model, rows = network(name), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, _, _ = reference(model, rows)
    for given in (as_ragged, as_sparse, as_dense) if name == SOME[0] else (as_dense,):
        graph = tf.function(model, input_signature=[any_batch(given(rows, LONGEST))])
        for width in (LONGEST, LONGEST + 2):
            assert_rows(graph(given(rows, width)), expected, err_msg=given.__name__, **CLOSE)
        assert_nothing(graph(given(rows_of((0, 0)), 2)))
        score, *states = graph(given({key: [] for key in rows}, 1))
        assert score.shape == (0, 1, 1)
        assert all(state.shape[0] == 0 for state in states)


@pytest.mark.xfail(
    strict=True, reason="Keras 3.15: of an unknown number of steps TimeDistributed computes as many as rows"
)
def test_time_distributed_in_a_graph_of_any_number_of_steps():
    """Keras alone. Until it is mended: a Dense layer works on each step by itself."""
    layer = TimeDistributed(Dense(2))
    graph = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 3])])
    steps = tf.random.stateless_normal([4, 5, 3], [1, 2])
    np.testing.assert_allclose(graph(steps), layer.layer(steps), **CLOSE)


def functional(model, kind):
    """The network's layers in a functional model for dense, sparse or ragged inputs."""
    more = {} if kind == "dense" else {kind: True}
    inputs = {
        column.key: keras.Input(
            {"lpc": (None, 2), "tags": (None, None)}.get(column.key, (None,)),
            name=column.key,
            dtype="int64" if getattr(column, "dtype", "") == "int64" else "float32",
            **more,
        )
        for column in model.features.columns
    }
    if kind == "dense":
        inputs["sequence_length"] = keras.Input((), name="sequence_length", dtype="int64")
    steps, _ = model.features(inputs)
    outputs = [steps]
    for layer in model.recurrent:
        outputs = keras.tree.flatten(layer(outputs[0]))
    return keras.Model(inputs, [model.score(outputs[0]), *outputs[1:]])


@pytest.mark.parametrize("name", SOME)
def test_in_a_functional_model_saved_and_loaded(name, tmp_path):
    model, rows = network(name), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, loss, _ = reference(model, rows)
    built = functional(model, "dense")
    assert_rows(keras.tree.flatten(built(as_dense(rows, LONGEST + 2))), expected, **CLOSE)
    built.save(tmp_path / "functional.keras")
    loaded = keras.saving.load_model(tmp_path / "functional.keras")
    for width in (LONGEST, LONGEST + 3):
        assert_rows(keras.tree.flatten(loaded(as_dense(rows, width))), expected, **CLOSE)
    # Keras's own loop takes the mask to the loss as well.
    others = [None] * (len(built.outputs) - 1)
    loaded.compile(loss=["mse", *others])
    told = loaded.evaluate(as_dense(rows, LONGEST), [targets(LONGEST)[1], *others], verbose=0)
    np.testing.assert_allclose(np.ravel(told)[0], loss / sum(LENGTHS), rtol=1e-5)


@pytest.mark.parametrize("kind", ["ragged", "sparse"])
def test_in_a_functional_model_of_ragged_or_sparse_inputs(kind):
    model, rows = network("Bidirectional(LSTM), LSTM"), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, _, _ = reference(model, rows)
    given = as_ragged if kind == "ragged" else as_sparse
    assert_rows(functional(model, kind)(given(rows, LONGEST)), expected, **CLOSE)


@pytest.mark.parametrize("name", SOME)
def test_in_a_subclassed_model_saved_and_loaded(name, tmp_path):
    model, rows = network(name), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, _, _ = reference(model, rows)
    model.save(tmp_path / "subclassed.keras")
    loaded = keras.saving.load_model(tmp_path / "subclassed.keras")
    for form, given, width in FEW_FORMS:
        assert_rows(loaded(given(rows, width)), expected, err_msg=form, **CLOSE)


@pytest.mark.parametrize("name", SOME)
def test_in_an_exported_model(name, tmp_path):
    model, rows = network(name), rows_of(LENGTHS)
    model(as_ragged(rows))
    expected, _, _ = reference(model, rows)
    signature = [any_batch(as_dense(rows, LONGEST))]
    archive = keras.export.ExportArchive()
    # Of a subclassed model Keras would trace a signature of floats; its layers are enough.
    for layer in model.layers:
        archive.track(layer)
    archive.add_endpoint("serve", lambda features: model(features), input_signature=signature)
    built = functional(model, "dense")
    archive.track(built)
    archive.add_endpoint("serve_functional", lambda features: built(features), input_signature=signature)
    archive.write_out(tmp_path / "exported", verbose=False)
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    for serve in (loaded.serve, loaded.serve_functional):
        for width in (LONGEST, LONGEST + 2):
            assert_rows(serve(tensors(as_dense(rows, width))), expected, **CLOSE)
        assert_nothing(serve(tensors(as_dense(rows_of((0, 0)), 1))))


def tensors(features):
    return {key: tf.constant(value) for key, value in features.items()}


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_under_mixed_precision(name, policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model, rows = network(name), rows_of(LENGTHS)
        score = model(as_ragged(rows))[0]
    finally:
        keras.config.set_dtype_policy(before)
    assert score.dtype == policy.removeprefix("mixed_")
    expected, loss, gradients = reference(model, rows)
    for form, given, width in FEW_FORMS:
        with tf.GradientTape() as tape:
            score, *states = model(given(rows, width))
            total = keras.losses.MeanSquaredError(reduction="sum")(targets(width)[1], score)
            loss_of_all = total + sum_of_squares(states)
        assert_rows([score, *states], expected, err_msg=form, rtol=2e-2, atol=2e-2)
        np.testing.assert_allclose(total, loss, rtol=2e-2)
        for path, gradient in of_weights(tape, loss_of_all, model).items():
            np.testing.assert_allclose(gradient, gradients[path], rtol=5e-2, atol=5e-2, err_msg=f"{form}: {path}")


@pytest.mark.parametrize("name", ["LSTM", "Bidirectional(GRU, sum)"])
def test_compiled_by_xla(name):
    model, rows = network(name, PLAIN), rows_of(LENGTHS)
    rows = {column.key: rows[column.key] for column in PLAIN}
    model(as_ragged(rows))
    assert model.features.supports_jit
    expected, _, gradients = reference(model, rows)

    @tf.function(jit_compile=True)
    def step(features, target):
        with tf.GradientTape() as tape:
            score, *states = model(features)
            loss = keras.losses.MeanSquaredError(reduction="sum")(target, score) + sum_of_squares(states)
        return [score, *states], tape.gradient(loss, model.trainable_variables)

    outputs, compiled = step(as_dense(rows, LONGEST + 1), targets(LONGEST + 1)[1])
    assert_rows(outputs, expected, **CLOSE)
    for variable, gradient in zip(model.trainable_variables, compiled, strict=True):
        gradient = tf.convert_to_tensor(gradient)
        np.testing.assert_allclose(gradient, gradients[variable.path], rtol=1e-4, atol=1e-5, err_msg=variable.path)
