"""Trains on records whose right answer is known in closed form; also a script, for what needs a process of its own.

`ends`: each step is the last one with probability 0.2, whatever came before, and its label says whether it is. So the
best answer is 0.2 at each step, and a loss that weighs targets by the batch they are in learns something else: buckets
of short records hold many ends.

`gaussian`: a step's target is a linear function of the number of that step and of the step before, and Gaussian noise
of deviation 0.5. The best answer is that function, and the smallest expected squared error the variance, 0.25.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.components.prepared.stores import ragged
from tests.records import example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.strategies import distributed, make_strategy
from tfx_sequences.components.training.training_input import training_input
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

END, DEVIATION, COEFFICIENTS = 0.2, 0.5, (1.5, -0.8)
# As many to validate with, or the epoch that is chosen would fit the chance of the validation records.
TRAIN, VALID = 6000, 6000
TRAINING = {
    "learning_rate": 0.01,
    "schedule": {"type": "cosine"},
    "early_stopping_patience": None,
    "ema_momentum": None,
}


def ends(random, count):
    """Numbers that say nothing, and targets, of each record."""
    lengths = random.geometric(END, count)
    return [(random.normal(size=n), (np.arange(n) == n - 1).astype(int)) for n in lengths]


def gaussian(random, count):
    """Numbers and targets of each record, `[T]` each; lengths from 1 to 40."""
    found = []
    for length in random.geometric(0.15, count).clip(1, 40):
        x = random.normal(size=length)
        before = np.concatenate([[0.0], x[:-1]])
        found.append((x, COEFFICIENTS[0] * x + COEFFICIENTS[1] * before + random.normal(0, DEVIATION, length)))
    return found


SETS = {"ends": (ends, tf.int64), "gaussian": (gaussian, tf.float32)}


def spec_of(which, training, batching, model):
    label = {"key": "y", "per_step": True}
    label |= {"classes": ("go", "end")} if which == "ends" else {"type": "regression"}
    return SequenceSpec(
        name=which,
        sequence={"x": {"type": "numeric", "normalizer": "none"}},
        label=label,
        batching={"batch_size": 32, "shuffle_buffer": 2000, **batching},
        model={"units": (8,), "bidirectional": False, "dropout": 0.0, "pooling": "mean", **model},
        training={**TRAINING, "epochs": 8, **training},
    )


def write(folder, name, records):
    rows = [
        example(
            {
                "x": x.tolist(),
                "y": y.tolist() if y.dtype.kind == "i" else [float(v) for v in y],
                "sequence_length": len(x),
            }
        )
        for x, y in records
    ]
    return [str(write_records(folder / f"{name}-{i}", rows[i::2])) for i in range(2)]


def learn(which, folder, *, training=None, batching=None, model=None, use_cudnn="auto"):
    """Trains by the product's own input, network, loss and loop.

    Returns:
        A function of numbers `[B, T]` to what the network answers at each step, `[B, T, D]`; and the test records.
    """
    spec = spec_of(which, training or {}, batching or {}, model or {})
    make, dtype = SETS[which]
    random = np.random.default_rng(0)
    train, valid, test = (make(random, count) for count in (TRAIN, VALID, VALID))
    files = {name: write(Path(folder), name, records) for name, records in (("train", train), ("valid", valid))}
    features = {
        "sequence.x": ragged(tf.float32, "x"),
        "label": ragged(dtype, "y"),
        "sequence_length": tf.io.FixedLenFeature([], tf.int64),
    }
    lengths = np.array([len(x) for x, _ in train])
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    form = transformed_records(spec, features)
    strategy = make_strategy(spec.training.strategy)
    spread = {} if which == "ends" else {"mean": (0.0,), "std": (1.0,)}
    classes = ("go", "end") if which == "ends" else ()
    statistics = TaskStatistics({}, {"label": HeadStatistics(classes, targets=float(lengths.sum()), **spread)})
    held_back = distributed(
        strategy,
        lambda workers, worker: SequenceInput(
            files["valid"], spec, form, plan, training=False, num_workers=workers, worker=worker
        ),
    )
    with strategy.scope():
        keras.utils.set_random_seed(spec.training.seed)
        network = build_model(spec, statistics, use_cudnn=use_cudnn)
    with training_input(files["train"], spec, features, plan, "graph", strategy) as read:
        with strategy.scope():
            compile_model(network, spec, statistics, read.steps_per_epoch)
        fit(network, spec, read, held_back.dataset)

    def answer(x, lengths):
        return network({"sequence.x": x, "sequence_length": lengths}, training=False).numpy()

    return answer, test


def probabilities(which, folder, **options):
    """Mean predicted probability of the end at steps 0, 1, 2, 4 and from 8 on; the truth is 0.2."""
    answer, _ = learn(which, folder, **options)
    x = np.random.default_rng(1).normal(size=(500, 16)).astype("float32")
    said = tf.nn.softmax(answer(x, np.full(500, 16)))[..., 1].numpy().mean(0)
    return [*said[[0, 1, 2, 4]].tolist(), float(said[8:].mean())]


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    cpus = [tf.config.LogicalDeviceConfiguration()] * settings.pop("replicas")
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], cpus)
    print(json.dumps(probabilities(settings.pop("which"), settings.pop("folder"), **settings)))
