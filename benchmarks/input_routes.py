"""The routes of `input.py` that run in the project's own environment: ours, the textbook's, TFX's.

A route opens the set once and gives a function that starts an epoch: an iterator of what is then in
memory as padded batches with all their features: `[batches, records, steps, steps with padding]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import input_data
import numpy as np

BATCH_SIZE = 256
BUCKETS = 16
# The steps of an average batch of that size.
TOKEN_BUDGET = BATCH_SIZE * 41
SHUFFLE_BUFFER = 10_000
AT_A_TIME = 32

Epoch = Callable[[], Iterator[np.ndarray]]


def raw_read(folder: Path, records: int, kind: str) -> Epoch:
    """The bytes of the records, nothing parsed: what no reader of records can beat."""
    import tensorflow as tf

    dataset = tf.data.TFRecordDataset(_files(folder, records, kind)).batch(1024).prefetch(4)
    return _taken(dataset, lambda batch: (tf.ones_like(tf.strings.length(batch)), batch[:, tf.newaxis]))


def textbook(folder: Path, records: int, kind: str) -> Epoch:
    """Parse each record, shuffle before, bucket the parsed dicts: the documented use of the op."""
    import tensorflow as tf

    files = tf.data.Dataset.from_tensor_slices(_files(folder, records, kind)).shuffle(1000)
    serialized = files.interleave(tf.data.TFRecordDataset, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    parse = {"raw": _parse_single_sequence_example, "transformed": _parse_single_example}[kind]
    boundaries = _boundaries()
    dataset = (
        serialized.shuffle(SHUFFLE_BUFFER)
        .map(parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
        .bucket_by_sequence_length(
            lambda features: tf.cast(features["sequence_length"], tf.int32),
            bucket_boundaries=boundaries,
            bucket_batch_sizes=[BATCH_SIZE] * (len(boundaries) + 1),
        )
        .prefetch(tf.data.AUTOTUNE)
    )
    return _taken(dataset, lambda batch: (batch["sequence_length"], batch["item"]))


def tfx_factory(folder: Path, records: int, kind: str, *, pad: bool) -> Epoch:
    """The dataset that TFX's Trainer hands to a `run_fn`: ragged and not bucketed; `pad` makes it dense."""
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.components.util import examples_utils, tfxio_utils
    from tfx.proto import example_gen_pb2
    from tfx.types import standard_artifacts
    from tfx_bsl.public import tfxio

    from tfx_sequences.schemas.features.tfmd import make_schema

    examples = standard_artifacts.Examples()
    examples.uri = str(folder / kind)
    formats = example_gen_pb2.PayloadFormat
    is_raw = kind == "raw"
    examples_utils.set_payload_format(
        examples, formats.FORMAT_TF_SEQUENCE_EXAMPLE if is_raw else formats.FORMAT_TF_EXAMPLE
    )
    schema = make_schema(_spec()) if is_raw else _transformed_schema(schema_pb2)
    factory = tfxio_utils.get_tf_dataset_factory_from_artifact([examples], ["benchmark"])
    options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH_SIZE, num_epochs=1, shuffle=True, sloppy_ordering=True)
    dataset = factory(_files(folder, records, kind), options, schema)
    names = [n for n, s in dataset.element_spec.items() if isinstance(s, tf.RaggedTensorSpec)]
    item = next(n for n in names if n.endswith("item"))

    def dense(features: dict[str, Any]) -> dict[str, Any]:
        lengths = features[item].row_lengths()
        return {**{n: f.to_tensor() if n in names else f for n, f in features.items()}, "lengths": lengths}

    if pad:
        padded = dataset.map(dense, num_parallel_calls=tf.data.AUTOTUNE)
        return _taken(padded, lambda batch: (batch["lengths"], batch[item]))
    return _taken(dataset, lambda batch: (batch[item].row_lengths(), tf.zeros([0, 0])))


def ours(folder: Path, records: int, kind: str, *, shuffle: bool) -> Epoch:
    """Our input: micro-batches into `bucket_by_sequence_length`, a token budget and the plan for it."""
    from tfx_sequences.compat import bound_freed_memory
    from tfx_sequences.components.input.bucket_planning import make_plan
    from tfx_sequences.components.input.record_formats import raw_records, transformed_records
    from tfx_sequences.components.input.sequence_input import SequenceInput
    from tfx_sequences.components.transform.length_histogram import LengthHistogram

    bound_freed_memory()
    spec = _spec()
    plan = make_plan(LengthHistogram.of(input_data.lengths_of_set(records)), spec.batching)
    form = raw_records(spec) if kind == "raw" else transformed_records(spec, _feature_spec())
    dataset = SequenceInput(_files(folder, records, kind), spec, form, plan, training=shuffle).dataset
    return _taken(dataset, lambda batch, _label, _weight: (batch["sequence_length"], batch["sequence.item"]))


def prepared(folder: Path, records: int) -> Epoch:
    """Our prepared store, written once from the transformed records; shuffled, token budget."""
    from tfx_sequences.compat import bound_freed_memory
    from tfx_sequences.components.prepared.format import StoreIdentity
    from tfx_sequences.components.prepared.prepared_input import PreparedStore
    from tfx_sequences.components.prepared.store import write_prepared_store

    bound_freed_memory()
    spec, store, identity = _spec(), folder / "prepared", StoreIdentity("benchmark", "benchmark")
    if not store.is_dir():
        write_prepared_store(_files(folder, records, "transformed"), spec, _feature_spec(), store, identity)
    dataset = PreparedStore(store, spec, identity).dataset()
    return _taken(dataset, lambda batch, _label, _weight: (batch["sequence_length"], batch["sequence.item"]))


def _taken(dataset: Any, of_batch: Callable[..., tuple[Any, Any]]) -> Epoch:
    """Takes batches within a graph, as `fit` does; each call from Python costs a millisecond, so many at a time.

    `of_batch` gives lengths `[B]` and any feature `[B, T]` of what an element of the dataset has.
    """
    import tensorflow as tf

    @tf.function
    def take(iterator: Any) -> Any:
        taken = tf.zeros([4], tf.int64)
        for _ in tf.range(AT_A_TIME):
            element = iterator.get_next_as_optional()
            if not element.has_value():
                break
            batch = element.get_value()
            lengths, feature = of_batch(*batch) if isinstance(batch, tuple) else of_batch(batch)
            rows, steps = tf.size(lengths, tf.int64), tf.shape(feature, tf.int64)[1]
            taken += tf.stack([1, rows, tf.reduce_sum(tf.cast(lengths, tf.int64)), rows * steps])
        return taken

    def epoch() -> Iterator[np.ndarray]:
        iterator = iter(dataset)
        while True:
            taken = take(iterator).numpy()
            yield taken
            if taken[0] < AT_A_TIME:
                return

    return epoch


def _parse_single_example(serialized: Any) -> dict[str, Any]:
    import tensorflow as tf

    def sequence(dtype: Any, name: str, *shape: int) -> Any:
        # The key that the materialised ragged feature has in the record.
        return tf.io.FixedLenSequenceFeature(shape, dtype, allow_missing=True), f"sequence.{name}$ragged_values"

    features = {
        "item": sequence(tf.int64, "item"),
        "category": sequence(tf.int64, "category"),
        "price": sequence(tf.float32, "price"),
        "vector": sequence(tf.float32, "vector", input_data.VECTOR),
    }
    parsed = tf.io.parse_single_example(
        serialized,
        {
            **{key: feature for feature, key in features.values()},
            "sequence_length": tf.io.FixedLenFeature([], tf.int64),
            "label": tf.io.FixedLenFeature([], tf.int64),
        },
    )
    named = {name: parsed[key] for name, (_, key) in features.items()}
    return {**named, "label": parsed["label"], "sequence_length": parsed["sequence_length"]}


def _parse_single_sequence_example(serialized: Any) -> dict[str, Any]:
    import tensorflow as tf

    context, sequence = tf.io.parse_single_sequence_example(
        serialized,
        {"label": tf.io.FixedLenFeature([], tf.int64)},
        {
            "item": tf.io.FixedLenSequenceFeature([], tf.string),
            "category": tf.io.FixedLenSequenceFeature([], tf.string),
            "price": tf.io.FixedLenSequenceFeature([], tf.float32),
            "vector": tf.io.FixedLenSequenceFeature([input_data.VECTOR], tf.float32),
        },
    )
    return {**context, **sequence, "sequence_length": tf.shape(sequence["item"])[0]}


def _feature_spec() -> dict[str, Any]:
    """`make_parse_transformed_spec(spec)` of the spec."""
    import tensorflow as tf

    features: dict[str, Any] = {name: tf.io.FixedLenFeature([], tf.int64) for name in ("label", "sequence_length")}
    for name, dtype in {"item": tf.int64, "category": tf.int64, "price": tf.float32, "vector": tf.float32}.items():
        partitions = [tf.io.RaggedFeature.UniformRowLength(input_data.VECTOR)] if name == "vector" else []
        features[f"sequence.{name}"] = tf.io.RaggedFeature(
            dtype, value_key=f"sequence.{name}$ragged_values", partitions=partitions, row_splits_dtype=tf.int64
        )
    return features


def _transformed_schema(schema_pb2: Any) -> Any:
    """What TFT's schema of the transformed data says; only the types and representations matter here."""
    from google.protobuf import text_format

    representations, features = [], []
    for name, kind in {"item": "INT", "category": "INT", "price": "FLOAT", "vector": "FLOAT"}.items():
        key = f"sequence.{name}$ragged_values"
        partition = f"partition {{ uniform_row_length: {input_data.VECTOR} }}" if name == "vector" else ""
        representations.append(
            f'tensor_representation {{ key: "sequence.{name}" value {{ ragged_tensor {{ '
            f'feature_path {{ step: "{key}" }} {partition} }} }} }}'
        )
        features.append(f'feature {{ name: "{key}" type: {kind} }}')
    for name in ("sequence_length", "label"):
        features.append(f'feature {{ name: "{name}" type: INT shape {{}} presence {{ min_fraction: 1 }} }}')
        representations.append(
            f'tensor_representation {{ key: "{name}" value {{ dense_tensor {{ column_name: "{name}" shape {{}} }} }} }}'
        )
    group = f'tensor_representation_group {{ key: "" value {{ {" ".join(representations)} }} }}'
    return text_format.Parse(" ".join([*features, group]), schema_pb2.Schema())


def _spec() -> Any:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

    # Sizes come from the budget; buckets are as many as keep the padding below 1.05.
    batching = {"batch_size": 1024, "token_budget": TOKEN_BUDGET, "num_buckets": 32}
    return SequenceSpec(**input_data.SPEC, batching=batching)


def _boundaries() -> list[int]:
    # A constant ratio between neighbours, as in tensor2tensor: quantiles would pad the long tail more.
    return [int(b) for b in np.geomspace(8, input_data.LONGEST, BUCKETS)]


def _files(folder: Path, records: int, kind: str) -> list[str]:
    return [str(f) for f in input_data.write(folder, records, kind)]


ROUTES: dict[str, tuple[Callable[..., Epoch], dict[str, Any]]] = {
    "ours": (ours, {"kind": "transformed", "shuffle": True}),
    "ours-unshuffled": (ours, {"kind": "transformed", "shuffle": False}),
    "ours-prepared": (prepared, {}),
    "sequence-example-ours": (ours, {"kind": "raw", "shuffle": True}),
    "raw-read": (raw_read, {"kind": "transformed"}),
    "sequence-example-raw-read": (raw_read, {"kind": "raw"}),
    "textbook": (textbook, {"kind": "transformed"}),
    "sequence-example-textbook": (textbook, {"kind": "raw"}),
    "tfx-ragged": (tfx_factory, {"kind": "transformed", "pad": False}),
    "tfx-padded": (tfx_factory, {"kind": "transformed", "pad": True}),
}
