"""A set for `equality.py`: columns whose values are computed from several features, from bytes or times.

python benchmarks/equality_data.py FOLDER
tfx-sequences run FOLDER/spec.yaml --data FOLDER/data --output FOLDER/out
python benchmarks/equality.py FOLDER/out
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

TRAIN, TEST = 600, 300
START = 1_528_917_632_000_000

SPEC = """\
name: kinds
id_key: example/id
context:
  interests: {type: categorical, weighted_by: shares, hash_bucket_size: 8, embedding: {combiner: sum}}
  asked: {type: time, unit: us, time_zone: Asia/Kolkata}
  thumb: {type: numeric, shape: [6], encoding: float16}
  mass: {type: numeric, missing: mean, indicator: true, missing_value: -9999}
sequence:
  image/time: {type: time, unit: us, features: [gap, since_first, hour], time_zone: America/New_York}
  since: {type: numeric, key: image/time, dtype: int64, normalizer: {offset: first, then: z_score}}
  stamp: {type: numeric, key: image/time, dtype: int64, normalizer: z_score}
  rgb: {type: numeric, shape: [16], encoding: uint8, dequantize: {min: -2.0, max: 2.0}}
  grid: {type: numeric, shape: [4], encoding: tensor}
  frame: {type: image, encoding: png, height: 6, width: 6, channels: 1}
  vitals: {type: numeric, shape: [3], missing: previous, indicator: true}
  line: {type: numeric, key: vitals, shape: [3], missing: interpolate, normalizer: min_max}
  dose: {type: numeric, indicator: true}
  pulse: {type: numeric, timestamps: pulse/time, align: {to: image/time, method: nearest, dtype: int64}}
  result: {type: numeric, normalizer: {z_score_by: test}}
  test: {type: categorical}
  test_and_ward: {type: crossed, keys: [test, ward], dtypes: {ward: int64}, hash_bucket_size: 20}
  drugs: {type: categorical, weighted_by: amounts, vocabulary_list: [x, y, z], indicator: true}
labels:
  kind: {key: kind}
  state: {key: state, per_step: true, dtype: int64, missing_value: -1}
model: {units: [16]}
training: {epochs: 6, learning_rate: 0.01, refit: false}
"""


def make_records(count: int, seed: int) -> list[bytes]:
    """Serialized SequenceExamples; of lists, steps and elements some are missing."""
    random = np.random.default_rng(seed)
    return [_record(random, index) for index in range(count)]


def _record(random: np.random.Generator, index: int) -> bytes:
    kind, steps, pulses = index % 2, int(random.integers(1, 24)), int(random.integers(0, 40))
    start = START + 10**9 * index
    vitals = random.normal((80 + 20 * kind, 0, 36), (9, 2, 1), (steps, 3)).astype(np.float32)
    vitals[random.random(vitals.shape) < 0.3] = np.nan
    state = random.integers(0, 3, steps)
    pixels = random.integers(0, 120, (steps, 6, 6, 1)) + 60 * kind
    tests = random.integers(0, 3, steps)
    context: dict[str, Any] = {
        "example/id": f"r{index}",
        "kind": ["low", "high"][kind],
        "interests": random.choice(["art", "sport", "food"], 2).tolist(),
        "shares": random.random(2).tolist(),
        "asked": start,
        "thumb": random.normal(kind, 1, 6).astype(np.float16).tobytes(),
        "mass": -9999.0 if index % 7 == 0 else float(random.normal(70, 9)),
    }
    if index % 5 == 0:
        del context["mass"]
    lists: dict[str, list[Any]] = {
        "image/time": (start + np.cumsum(random.integers(1, 10**6, steps))).tolist(),
        "rgb": [random.integers(0, 256, 16).astype(np.uint8).tobytes() for _ in range(steps)],
        "grid": [tf.io.serialize_tensor(random.normal(s, 1, (2, 2)).astype(np.float32)).numpy() for s in state],
        "frame": [tf.io.encode_png(image.astype(np.uint8)).numpy() for image in pixels],
        "vitals": vitals.tolist(),
        "dose": [[float(x)] if x < 0.5 else [] for x in random.random(steps)],
        "pulse/time": np.sort(start + random.integers(0, 10**7, pulses)).tolist(),
        "pulse": random.normal(60, 5, pulses).tolist(),
        "result": random.normal(10.0**tests, 1).tolist(),
        "test": [["na", "k", "crp"][test] for test in tests],
        "ward": random.integers(0, 4, steps).tolist(),
        "drugs": [random.choice(["x", "y", "z"], 1 + step % 2).tolist() for step in range(steps)],
        "amounts": [random.random(1 + step % 2).tolist() for step in range(steps)],
        "state": [int(x) if random.random() < 0.8 else -1 for x in state],
    }
    if index % 6 == 0:
        del lists["dose"]
    message = tf.train.SequenceExample()
    for key, value in context.items():
        message.context.feature[key].CopyFrom(_feature(value))
    for key, values in lists.items():
        message.feature_lists.feature_list[key].feature.extend(map(_feature, values))
    return message.SerializeToString()


def _feature(value: Any) -> tf.train.Feature:
    values = value if isinstance(value, list) else [value]
    if values and isinstance(values[0], str | bytes):
        stored = [v.encode() if isinstance(v, str) else v for v in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=stored))
    if values and isinstance(values[0], int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def write_set(folder: Path) -> None:
    """Writes `spec.yaml` and the files of `train` and `test`."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "spec.yaml").write_text(SPEC, "utf-8")
    for split, count, seed in (("train", TRAIN, 1), ("test", TEST, 2)):
        with tf.io.TFRecordWriter(str(folder / "data" / f"{split}.tfrecord")) as writer:
            for record in make_records(count, seed):
                writer.write(record)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    write_set(arguments.parse_args().folder)


if __name__ == "__main__":
    main()
