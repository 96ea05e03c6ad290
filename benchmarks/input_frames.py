"""The YouTube-8M rows of `input.py`: records of 120 to 300 frames, each of 1024 and 128 `uint8`, as bytes.

frames/       SequenceExample in the layout of YouTube-8M
transformed-frames/  Example as TFX's Transform writes it for the spec below: the same bytes
prepared-frames/     our prepared store of these
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import input_data
import numpy as np
from input_routes import Epoch, _taken

SEED = 8
RECORDS_PER_FILE = 250
SHORTEST, LONGEST = 120, 300
SIZES = {"audio": 128, "rgb": 1024}
CLASSES = 3862
BATCH_SIZE = 128
RANGE = {"min": -2.0, "max": 2.0}
SPEC = {
    "name": "frames_benchmark",
    "sequence": {
        name: {"type": "numeric", "shape": [size], "encoding": "uint8", "dequantize": RANGE}
        for name, size in SIZES.items()
    },
    "label": {"key": "label", "classes": [0, 1]},
}


def lengths_of_set(records: int) -> np.ndarray:
    """Frames of each record, `[N]`."""
    return np.random.default_rng(SEED).integers(SHORTEST, LONGEST, records, endpoint=True)


def write(folder: Path, records: int, kind: str) -> list[Path]:
    """Writes the set of `kind` (`frames` or `transformed-frames`) unless it is there; gives its files."""
    target = folder / kind
    starts = range(0, records, RECORDS_PER_FILE)
    files = [target / f"part-{i:05d}-of-{len(starts):05d}.tfrecord" for i in range(len(starts))]
    done = target / "done.json"
    if not done.is_file():
        target.mkdir(parents=True, exist_ok=True)
        lengths = lengths_of_set(records)
        for index, (path, start) in enumerate(zip(files, starts, strict=True)):
            random = np.random.default_rng([SEED, index])
            with path.open("wb") as file:
                for length in lengths[start : start + RECORDS_PER_FILE].tolist():
                    file.write(input_data.framed(_record(random, length, kind)))
        done.write_text(json.dumps({"records": records, "seed": SEED}))
    return files


def _record(random: np.random.Generator, length: int, kind: str) -> bytes:
    from tensorflow.core.example import example_pb2, feature_pb2

    def of_bytes(values: list[bytes]) -> Any:
        return feature_pb2.Feature(bytes_list=feature_pb2.BytesList(value=values))

    def of_int(value: int) -> Any:
        return feature_pb2.Feature(int64_list=feature_pb2.Int64List(value=[value]))

    frames = {name: [random.bytes(size) for _ in range(length)] for name, size in SIZES.items()}
    label = int(random.integers(0, 2))
    if kind == "frames":
        lists = {
            name: feature_pb2.FeatureList(feature=[of_bytes([value]) for value in values])
            for name, values in frames.items()
        }
        context = feature_pb2.Features(feature={"label": of_int(label)})
        return example_pb2.SequenceExample(
            context=context, feature_lists=feature_pb2.FeatureLists(feature_list=lists)
        ).SerializeToString()
    features = {f"sequence.{name}$ragged_values": of_bytes(values) for name, values in frames.items()}
    features |= {"label": of_int(label), "sequence_length": of_int(length)}
    return example_pb2.Example(features=feature_pb2.Features(feature=features)).SerializeToString()


def usual_reader(folder: Path, records: int) -> Epoch:
    """Parse each record, `decode_raw`, dequantize, resize to the longest, `padded_batch`: as YouTube-8M readers."""
    import tensorflow as tf

    scale, bias = (RANGE["max"] - RANGE["min"]) / 255, (RANGE["max"] - RANGE["min"]) / 512 + RANGE["min"]

    def parse(serialized: Any) -> dict[str, Any]:
        context, sequence = tf.io.parse_single_sequence_example(
            serialized,
            {"label": tf.io.FixedLenFeature([], tf.int64)},
            {name: tf.io.FixedLenSequenceFeature([], tf.string) for name in SIZES},
        )
        parsed = {"label": context["label"], "sequence_length": tf.shape(sequence["rgb"])[0]}
        for name, size in SIZES.items():
            frames = tf.reshape(tf.io.decode_raw(sequence[name], tf.uint8), [-1, size])
            frames = tf.cast(frames, tf.float32) * scale + bias
            resized = tf.pad(frames[:LONGEST], [[0, tf.maximum(LONGEST - tf.shape(frames)[0], 0)], [0, 0]])
            parsed[name] = tf.ensure_shape(resized, [LONGEST, size])
        return parsed

    files = tf.data.Dataset.from_tensor_slices([str(f) for f in write(folder, records, "frames")]).shuffle(1000)
    serialized = files.interleave(tf.data.TFRecordDataset, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    parsed = serialized.map(parse, num_parallel_calls=tf.data.AUTOTUNE, deterministic=False)
    dataset = parsed.padded_batch(BATCH_SIZE).prefetch(tf.data.AUTOTUNE)
    return _taken(dataset, lambda batch: (batch["sequence_length"], batch["rgb"][:, :, 0]))


def raw_read(folder: Path, records: int) -> Epoch:
    """The bytes of the records, nothing parsed."""
    import tensorflow as tf

    files = [str(f) for f in write(folder, records, "frames")]
    dataset = tf.data.TFRecordDataset(files).batch(BATCH_SIZE).prefetch(4)
    return _taken(dataset, lambda batch: (tf.ones_like(tf.strings.length(batch)), batch[:, tf.newaxis]))


def ours(folder: Path, records: int) -> Epoch:
    """Our input: the transformed records, shuffled, with a token budget."""
    from tfx_sequences.compat import bound_freed_memory
    from tfx_sequences.components.input.bucket_planning import make_plan
    from tfx_sequences.components.input.record_formats import transformed_records
    from tfx_sequences.components.input.sequence_input import SequenceInput
    from tfx_sequences.components.transform.length_histogram import LengthHistogram
    from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec

    bound_freed_memory()
    spec = _spec()
    plan = make_plan(LengthHistogram.of(lengths_of_set(records)), spec.batching)
    files = [str(f) for f in write(folder, records, "transformed-frames")]
    form = transformed_records(spec, make_parse_transformed_spec(spec))
    return _taken(SequenceInput(files, spec, form, plan, training=True).dataset, _of_ours)


def prepared(folder: Path, records: int) -> Epoch:
    """Our prepared store, written once from the transformed records; shuffled, with a token budget."""
    from tfx_sequences.compat import bound_freed_memory
    from tfx_sequences.components.prepared.format import StoreIdentity
    from tfx_sequences.components.prepared.prepared_input import PreparedStore
    from tfx_sequences.components.prepared.store import write_prepared_store
    from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec

    bound_freed_memory()
    spec, store, identity = _spec(), folder / "prepared-frames", StoreIdentity("benchmark", "benchmark")
    if not store.is_dir():
        files = [str(f) for f in write(folder, records, "transformed-frames")]
        write_prepared_store(files, spec, make_parse_transformed_spec(spec), store, identity)
    return _taken(PreparedStore(store, spec, identity).dataset(), _of_ours)


def _of_ours(inputs: Any, _targets: Any, _weights: Any) -> tuple[Any, Any]:
    return inputs["sequence_length"], inputs["sequence.rgb"][:, :, 0]


def _spec() -> Any:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

    budget = BATCH_SIZE * (SHORTEST + LONGEST) // 2
    # 64 buckets of about three lengths each would hold too few of 2 000 records; 8 keep the padding below 1.05.
    batching = {"batch_size": 2 * BATCH_SIZE, "token_budget": budget, "num_buckets": 8, "shuffle_buffer": 256}
    return SequenceSpec(**SPEC, batching=batching)


ROUTES: dict[str, tuple[Callable[..., Epoch], dict[str, Any]]] = {
    "youtube-8m-usual": (usual_reader, {}),
    "youtube-8m-ours": (ours, {}),
    "youtube-8m-ours-prepared": (prepared, {}),
    "youtube-8m-raw-read": (raw_read, {}),
}
