"""Usual training loops over buckets of lengths, on the records of `bucket_bias_data.py`; one in a process.

    python benchmarks/bucket_bias_loops.py keras-mean 0

Each is a causal LSTM of 64 units, Adam at 0.001, batches of 32, the best of at most 60 epochs by the loss of held-back
records, patience 8. They differ in what a batch's summed loss is divided by, and in how records become batches.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import bucket_bias_data
import numpy as np

UNITS, BATCH, EPOCHS, PATIENCE, RATE = 64, 32, 60, 8, 1e-3
BOUNDARIES = (2, 3, 4, 6, 8, 11, 16)
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


def split(seed: int) -> tuple[bucket_bias_data.Records, bucket_bias_data.Records]:
    """Training records and held-back ones."""
    found = bucket_bias_data.records(6000, seed).values
    return bucket_bias_data.Records(found[:5400]), bucket_bias_data.Records(found[5400:])


def batches(found: bucket_bias_data.Records, random: np.random.Generator, order: str) -> list[np.ndarray]:
    """Rows of each batch of an epoch.

    Args:
        found: The records.
        random: Shuffles records and batches.
        order: `shuffled` buckets in any order; `in-a-row`, all batches of a bucket one after another; or `mixed`:
            records of all lengths in each batch.
    """
    rows = random.permutation(len(found.values))
    if order == "mixed":
        return np.split(rows, range(BATCH, len(rows), BATCH))
    of_bucket = np.searchsorted(BOUNDARIES, found.lengths[rows], side="right")
    made = []
    for bucket in random.permutation(len(BOUNDARIES) + 1):
        inside = rows[of_bucket == bucket]
        made += [part for part in np.split(inside, range(BATCH, len(inside), BATCH)) if len(part)]
    return made if order == "in-a-row" else [made[i] for i in random.permutation(len(made))]


def padding(found: bucket_bias_data.Records, rows: list[np.ndarray]) -> float:
    """Share of the steps computed that is padding."""
    computed = sum(len(part) * found.lengths[part].max() for part in rows)
    return float(1 - found.lengths.sum() / computed)


def keras(seed: int, *, reduction: str, order: str) -> dict[str, Any]:
    """Keras' `fit`. Its `Masking` layer keeps padding out of the loss, which is a mean over each batch.

    Args:
        seed: Of records, weights and order.
        reduction: `mean`, Keras' own, or `constant`: the sum divided by the mean number of targets of a batch.
        order: As of `batches`.
    """
    import keras as k

    train, valid = split(seed)
    k.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    constant = train.lengths.sum() / len(batches(train, random, order))

    class Epochs(k.utils.PyDataset):
        def __init__(self) -> None:
            super().__init__()
            self.on_epoch_end()

        def __len__(self) -> int:
            return len(self.rows)

        def __getitem__(self, index: int) -> Any:
            return train.padded(self.rows[index])[:2]

        def on_epoch_end(self) -> None:
            self.rows = batches(train, random, order)

    class SumOverConstant(k.losses.Loss):
        def __init__(self) -> None:
            super().__init__(reduction="sum")

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return k.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True) / constant

    # What padding holds must not occur among the numbers of real steps.
    class Padded(Epochs):
        def __getitem__(self, index: int) -> Any:
            numbers, targets, real = train.padded(self.rows[index])
            return np.where(real[..., None], numbers, -999.0), targets

    inputs = k.Input((None, 1))
    steps = k.layers.LSTM(UNITS, return_sequences=True)(k.layers.Masking(-999.0)(inputs))
    model = k.Model(inputs, k.layers.Dense(2)(steps))
    mean = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.Adam(RATE), SumOverConstant() if reduction == "constant" else mean)

    def padded(found: bucket_bias_data.Records) -> tuple[np.ndarray, np.ndarray]:
        numbers, targets, real = found.padded()
        return np.where(real[..., None], numbers, np.float32(-999)), targets

    stop = k.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
    model.fit(Padded(), validation_data=padded(valid), epochs=EPOCHS, callbacks=[stop], verbose=0)
    test = bucket_bias_data.records(2000, seed + 1000)
    scores = k.ops.softmax(model.predict(padded(test)[0], verbose=0, batch_size=500))
    return {
        **bucket_bias_data.figures(test, np.asarray(scores)[..., 1]),
        "padding": padding(train, batches(train, random, order)),
    }


def torch(seed: int) -> dict[str, Any]:
    """PyTorch's usual loop: batches of about equal length, `CrossEntropyLoss` with `ignore_index` for padding."""
    import torch
    from torch import nn

    train, valid = split(seed)
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(1, UNITS, batch_first=True)
            self.head = nn.Linear(UNITS, 2)

        def forward(self, numbers: Any) -> Any:
            return self.head(self.lstm(numbers)[0])

    def tensors(batch: Batch) -> tuple[Any, Any]:
        numbers, targets, real = batch
        return torch.from_numpy(numbers), torch.from_numpy(np.where(real, targets, -100))

    def epoch() -> Iterator[tuple[Any, Any]]:
        for rows in batches(train, random, "shuffled"):
            yield tensors(train.padded(rows))

    model, loss = Model(), nn.CrossEntropyLoss(ignore_index=-100)
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
    held_back = tensors(valid.padded())
    best, since, kept = np.inf, 0, copy.deepcopy(model.state_dict())
    for _ in range(EPOCHS):
        for numbers, targets in epoch():
            optimizer.zero_grad()
            loss(model(numbers).transpose(1, 2), targets).backward()
            optimizer.step()
        with torch.no_grad():
            now = float(loss(model(held_back[0]).transpose(1, 2), held_back[1]))
        since += 1
        if now < best:
            best, since, kept = now, 0, copy.deepcopy(model.state_dict())
        if since >= PATIENCE:
            break
    model.load_state_dict(kept)
    test = bucket_bias_data.records(2000, seed + 1000)
    with torch.no_grad():
        scores = model(torch.from_numpy(test.padded()[0])).softmax(-1).numpy()
    return {
        **bucket_bias_data.figures(test, scores[..., 1]),
        "padding": padding(train, batches(train, random, "shuffled")),
    }


LOOPS: dict[str, Callable[[int], dict[str, Any]]] = {
    "keras-mean": lambda seed: keras(seed, reduction="mean", order="shuffled"),
    "torch-mean": torch,
    "keras-mean-mixed": lambda seed: keras(seed, reduction="mean", order="mixed"),
    "keras-constant": lambda seed: keras(seed, reduction="constant", order="shuffled"),
    "keras-constant-in-a-row": lambda seed: keras(seed, reduction="constant", order="in-a-row"),
    "keras-constant-mixed": lambda seed: keras(seed, reduction="constant", order="mixed"),
}

if __name__ == "__main__":
    began = time.monotonic()
    result = LOOPS[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps({**result, "seconds": time.monotonic() - began}))
