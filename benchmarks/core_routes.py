"""Record files to a network fitted for one epoch, in a process of its own: python core_routes.py WAY FOLDER RECORDS

All ways make the same network of the same features: two embeddings with vocabularies of the training records, and five
numbers scaled by their mean and deviation. Times begin with the process, so they include the import of TensorFlow.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import input_data

BATCH_SIZE = 256
BOUNDARIES = [16, 24, 32, 40, 56, 80, 128]
EMBEDDINGS = {"category": 8, "item": 32}
NUMBERS = {"price": 1, "vector": input_data.VECTOR}
UNITS = 32
LABEL = "label"
FirstBatch = Callable[[], None]


def ours(files: list[str], first_batch: FirstBatch) -> Any:
    """`make_dataset`, `SequenceFeatures.adapt`, `fit`."""
    import tfx_sequences as tfs
    from tfx_sequences.compat import bound_freed_memory, use_cores
    from tfx_sequences.layers import FusedLSTM

    use_cores()
    bound_freed_memory()
    import keras

    columns = [
        tfs.embedding_column(tfs.sequence_categorical_column_with_vocabulary(key), dimension=dimension)
        for key, dimension in EMBEDDINGS.items()
    ]
    columns += [
        tfs.sequence_numeric_column(key, shape=(size,) if size > 1 else (), normalizer="z_score")
        for key, size in NUMBERS.items()
    ]
    label = {"key": LABEL, "classes": [0, 1]}
    dataset = tfs.make_dataset(files, columns, label=label, batch_size=BATCH_SIZE, bucket_boundaries=BOUNDARIES)
    layer = tfs.SequenceFeatures(columns)
    layer.adapt(dataset)
    next(iter(dataset))
    first_batch()
    inputs = {
        **{f"sequence.{key}": keras.Input((None,), name=key, dtype="string") for key in EMBEDDINGS},
        **{f"sequence.{key}": keras.Input((None, size), name=key) for key, size in NUMBERS.items()},
        "sequence_length": keras.Input((), name="length", dtype="int64"),
    }
    steps, _ = layer(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(FusedLSTM(UNITS)(steps)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(dataset, epochs=1, verbose=0)
    return model


def textbook(files: list[str], first_batch: FirstBatch) -> Any:
    """Keras' `StringLookup` and `Normalization`, each adapted; `bucket_by_sequence_length`, `fit`."""
    import keras
    import tensorflow as tf

    tune = tf.data.AUTOTUNE

    def parse(serialized: Any) -> tuple[dict[str, Any], Any]:
        context, sequence = tf.io.parse_single_sequence_example(
            serialized,
            {LABEL: tf.io.FixedLenFeature([], tf.int64)},
            {
                **{key: tf.io.FixedLenSequenceFeature([], tf.string) for key in EMBEDDINGS},
                **{key: tf.io.FixedLenSequenceFeature([size], tf.float32) for key, size in NUMBERS.items()},
            },
        )
        return sequence, context[LABEL]

    records = tf.data.Dataset.from_tensor_slices(files).interleave(tf.data.TFRecordDataset, num_parallel_calls=tune)
    parsed = records.map(parse, num_parallel_calls=tune)
    lookups = {key: keras.layers.StringLookup() for key in EMBEDDINGS}
    scales = {key: keras.layers.Normalization() for key in NUMBERS}
    for key, layer in {**lookups, **scales}.items():
        # One long row of all steps, so that padding does not count.
        values = parsed.map(lambda features, _, key=key: features[key], num_parallel_calls=tune)
        layer.adapt(values.unbatch().batch(8192))
    batches = (
        parsed.shuffle(10_000)
        .bucket_by_sequence_length(
            lambda features, _: tf.shape(features["item"])[0], BOUNDARIES, [BATCH_SIZE] * (len(BOUNDARIES) + 1)
        )
        .map(lambda features, label: ({k: _looked_up(lookups, k, v) for k, v in features.items()}, label), tune)
        .prefetch(tune)
    )
    next(iter(batches))
    first_batch()
    inputs = {
        **{key: keras.Input((None,), name=key, dtype="int64") for key in EMBEDDINGS},
        **{key: keras.Input((None, size), name=key) for key, size in NUMBERS.items()},
    }
    embedded = [
        keras.layers.Embedding(lookups[key].vocabulary_size() + 1, dimension, mask_zero=True)(inputs[key])
        for key, dimension in EMBEDDINGS.items()
    ]
    joined = keras.layers.Concatenate()([*embedded, *(scales[key](inputs[key]) for key in NUMBERS)])
    mask = keras.ops.not_equal(inputs["item"], 0)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.LSTM(UNITS)(joined, mask=mask)))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(batches, epochs=1, verbose=0)
    return model


def _looked_up(lookups: dict[str, Any], key: str, values: Any) -> Any:
    """Ids from 1 on, and 0 for padding."""
    if key not in lookups:
        return values
    import tensorflow as tf

    return tf.where(values == "", tf.zeros([], tf.int64), lookups[key](values) + 1)


WAYS = {"textbook": textbook, "ours": ours}


def _peak_mib() -> float:
    [line] = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _since_start() -> float:
    """Seconds since this process was started."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def main(way: str, folder: str, records: str) -> None:
    """Runs one way and prints its figures."""
    files = [str(file) for file in input_data.write(Path(folder), int(records), "raw")]
    figures: dict[str, Any] = {}
    model = WAYS[way](files, lambda: figures.setdefault("first_batch_seconds", _since_start()) and None)
    figures["fitted_seconds"] = _since_start()
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures |= {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": _peak_mib(), "weights": model.count_params()}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(*sys.argv[1:])
