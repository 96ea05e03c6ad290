from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.components.prepared.stores import FEATURES, make_spec, write_transformed
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import LengthHistogram

LENGTHS = [3, 0, 5, 1, 2, 2, 4, 3, 1, 6, 2]


def opened(folder, prepared):
    spec = make_spec(batching={"batch_size": 3, "prepared": prepared, "drop_longer_than": 5})
    plan = make_plan(LengthHistogram.of(np.array(LENGTHS)), spec.batching)
    return training_input(write_transformed(folder, LENGTHS), spec, FEATURES, plan, str(folder / "graph"))


def labels(dataset):
    return [tuple(label.numpy()) for _, label, _ in dataset]


@pytest.mark.parametrize("prepared", [False, True])
def test_each_pass_is_the_next_epoch_with_every_record_once(tmp_path, prepared):
    with opened(tmp_path, prepared) as read:
        passes = [labels(read.dataset) for _ in range(3)]
        read.begin(1)
        assert labels(read.dataset) == passes[1]
    kept = Counter(i for i, n in enumerate(LENGTHS) if n <= 5)
    for batches in passes:
        assert Counter(label for batch in batches for label in batch) == kept
    assert passes[0] != passes[1] != passes[2]


@pytest.mark.parametrize("prepared", [False, True])
def test_the_epochs_of_fit_are_those_of_the_input(tmp_path, prepared):
    model = keras.Sequential([keras.layers.Lambda(lambda x: x["context.place"]), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with opened(tmp_path, prepared) as read:
        model.fit(read.dataset, epochs=3, verbose=0, callbacks=[read.callback])
        assert (read.epoch, read.step) == (3, 0)
    assert [counts.records for counts in read.finished] == [10] * 3
    assert [counts.too_long.count for counts in read.finished] == [1] * 3


def test_the_store_is_gone_afterwards(tmp_path):
    with opened(tmp_path, True) as read:
        folder = Path(read._store._folder)
        assert folder.is_dir()
    assert not folder.exists()
