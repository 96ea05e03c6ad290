"""The routes of `training.py`: the same model trained by ours, Keras, tf_keras and PyTorch.

Embedding 50 000 x 32 beside a number -> recurrent layers of 64 units, one of `NETWORKS` -> Dense 1 of the last real
step, mean squared error, Adam. A route prepares everything and gives a function `epoch(batches)` that trains so many
batches, or an epoch for None, and returns what it trained on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import input_data
import training_data

UNITS, DIMENSION = 64, 32
# The cell, whether it reads both directions, and the number of layers.
NETWORKS = {
    "lstm": ("lstm", False, 1),
    "gru": ("gru", False, 1),
    "bidirectional": ("lstm", True, 1),
    "bidirectional-gru": ("gru", True, 1),
    "stacked": ("lstm", False, 2),
}
Epoch = Callable[[int | None], dict[str, int]]


def ours(folder: Path, records: int, network: str) -> Epoch:
    """`fit` as the Trainer has it, of the network that the spec gives, read from the prepared store on disk."""
    from tfx_sequences.compat import bound_freed_memory, use_cores

    use_cores()
    bound_freed_memory()
    import input_routes
    import keras

    from tfx_sequences.components.network.model import build_model, compile_model
    from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
    from tfx_sequences.components.prepared.epochs import PreparedInput
    from tfx_sequences.components.prepared.format import StoreIdentity
    from tfx_sequences.components.prepared.prepared_input import PreparedStore
    from tfx_sequences.components.prepared.store import write_prepared_store
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

    cell, bidirectional, layers = NETWORKS[network]
    spec = SequenceSpec(
        name="training_benchmark",
        sequence={
            "item": {"type": "categorical", "vocabulary": {}, "embedding": {"dimension": DIMENSION}},
            "price": {"type": "numeric"},
        },
        label={"key": "label", "type": "regression", "dtype": "int64"},
        batching={"batch_size": 1024, "token_budget": training_data.TOKEN_BUDGET, "prepared": True},
        model={
            "cell": cell,
            "units": (UNITS,) * layers,
            "bidirectional": bidirectional,
            "pooling": "last",
            "dropout": 0.0,
        },
        training={"gradient_clip_norm": None},
    )
    used = {"sequence.item", "sequence.price", "sequence_length", "label"}
    feature_spec = {name: feature for name, feature in input_routes._feature_spec().items() if name in used}
    store, identity = folder / "prepared_training", StoreIdentity("training", "training")
    if not store.is_dir():
        files = [str(file) for file in input_data.write(folder, records, "transformed")]
        write_prepared_store(files, spec, feature_spec, store, identity)
    train = PreparedInput(PreparedStore(store, spec, identity))
    keras.utils.set_random_seed(0)
    of_label = HeadStatistics(mean=(0.5,), std=(0.5,), targets=records)
    statistics = TaskStatistics({"sequence.item": input_data.ITEMS + 1}, heads={"label": of_label})
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, train.steps_per_epoch)

    def epoch(batches: int | None) -> dict[str, int]:
        model.fit(train.dataset, steps_per_epoch=batches, callbacks=[train.callback], verbose=0)
        if batches is not None:
            return {}
        counts = train.finished[-1]
        sizes = {"batches": counts.batches, "records": counts.records}
        return {**sizes, "real_steps": counts.real_steps, "padded_steps": counts.padded_steps}

    return epoch


def keras_fit(folder: Path, records: int, network: str, *, how: str, module: str = "keras") -> Epoch:
    """`fit` of the textbook's model, batches kept in memory by tf.data."""
    import importlib

    import tensorflow as tf

    keras = importlib.import_module(module)
    batches = training_data.Records(records).batches(how)
    signature = (
        (tf.TensorSpec([None, None], tf.int64), tf.TensorSpec([None, None], tf.float32)),
        tf.TensorSpec([None], tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(
        lambda: (((ids, numbers), targets) for ids, numbers, _, targets in batches), output_signature=signature
    )
    dataset = dataset.cache().prefetch(tf.data.AUTOTUNE)
    for _ in dataset:  # filled before anything is timed
        pass
    keras.utils.set_random_seed(0)
    ids, numbers = keras.Input((None,), dtype="int64"), keras.Input((None,))
    vectors = keras.layers.Embedding(input_data.ITEMS + 1, DIMENSION, mask_zero=True)(ids)
    steps = keras.layers.Concatenate()([vectors, keras.layers.Reshape((-1, 1))(numbers)])
    cell, bidirectional, layers = NETWORKS[network]
    for left in reversed(range(layers)):
        layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell](UNITS, return_sequences=left > 0)
        steps = (keras.layers.Bidirectional(layer) if bidirectional else layer)(steps)
    model = keras.Model([ids, numbers], keras.layers.Dense(1)(steps))
    model.compile("adam", "mse")

    def epoch(count: int | None) -> dict[str, int]:
        model.fit(dataset if count is None else dataset.take(count), verbose=0)
        return training_data.figures(batches)

    return epoch


def torch(folder: Path, records: int, network: str, *, how: str, packed: bool = False) -> Epoch:
    """The usual loop; tensors kept in memory, padded with zeros or packed.

    The padded reader of two directions takes padding for steps, as the usual loop does.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    batches = training_data.Records(records).batches(how)
    tensors = [tuple(map(torch.from_numpy, batch)) for batch in batches]

    cell, bidirectional, layers = NETWORKS[network]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(input_data.ITEMS + 1, DIMENSION, padding_idx=0)
            make = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
            options = {"num_layers": layers, "bidirectional": bidirectional, "batch_first": True}
            self.recurrent = make(DIMENSION + 1, UNITS, **options)
            self.head = nn.Linear(UNITS * (1 + bidirectional), 1)

        def forward(self, ids: Any, numbers: Any, lengths: Any) -> Any:
            steps = torch.cat([self.embedding(ids), numbers[:, :, None]], 2)
            if packed:
                sequences = nn.utils.rnn.pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
                _, states = self.recurrent(sequences)
                last = states[0] if cell == "lstm" else states
                return self.head(torch.cat([*last[-1 - bidirectional :]], 1))[:, 0]
            outputs, _ = self.recurrent(steps)
            # Padding is on the right, so the last real step has not seen it.
            last = outputs[torch.arange(len(lengths)), lengths - 1]
            if bidirectional:
                last = torch.cat([last[:, :UNITS], outputs[:, 0, UNITS:]], 1)
            return self.head(last)[:, 0]

    model = Model()
    optimizer = torch.optim.Adam(model.parameters())

    def epoch(count: int | None) -> dict[str, int]:
        for ids, numbers, lengths, targets in tensors[:count]:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(ids, numbers, lengths), targets).backward()
            optimizer.step()
        return training_data.figures(batches)

    return epoch


ROUTES: dict[str, Callable[[Path, int, str], Epoch]] = {
    "ours": ours,
    "keras-naive": functools.partial(keras_fit, how="random"),
    "keras-bucketed": functools.partial(keras_fit, how="bucketed"),
    "tf-keras-bucketed": functools.partial(keras_fit, how="bucketed", module="tf_keras"),
    "torch-padded": functools.partial(torch, how="bucketed"),
    "torch-padded-budget": functools.partial(torch, how="budget"),
    "torch-packed": functools.partial(torch, how="bucketed", packed=True),
}
