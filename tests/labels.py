"""One spec with every kind of label, records for it, and its transform graph, made once."""

from __future__ import annotations

import numpy as np

from tests.everything import Analyzed, analyzed
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 30


def labels_spec(**changes):
    return SequenceSpec(
        **{
            "name": "labels",
            "id_key": "id",
            "example_weight": "weight",
            "context": {"city": {"type": "categorical"}},
            "sequence": {
                "token": {"type": "categorical", "num_oov_buckets": 1},
                "frame": {"type": "numeric", "shape": (2,), "normalizer": "none"},
            },
            "labels": {
                "tag": {
                    "key": "tag",
                    "per_step": True,
                    "class_weights": "balanced",
                    "step_weight": "sure",
                    "allowed_copies": ("frame", "token"),
                },
                "next_frame": {
                    "key": "frame",
                    "type": "multi_label",
                    "per_step": True,
                    "shape": (2,),
                    "shift": 1,
                    "class_weights": "balanced",
                },
                "moods": {"key": "moods", "type": "multi_label", "per_step": True},
                "level": {"key": "level", "type": "regression", "per_step": True},
                "kind": {"key": "kind", "classes": ("good", "bad")},
                "topics": {"key": "topics", "type": "multi_label", "class_weights": "balanced"},
                "place": {"key": "place", "type": "regression", "shape": (2,)},
            },
            "model": {"units": (4,), "bidirectional": False},
            "training": {"epochs": 2},
            **changes,
        }
    )


def plain_records():
    """Context and sequence values of 30 records, lengths 0 to 6, deterministic."""
    random = np.random.default_rng(5)
    records = []
    for index in range(NUM_RECORDS):
        steps = index % 7
        tokens = random.choice(["a", "b", "c"], steps).tolist()
        context = {
            "id": f"r{index}",
            "weight": 0.5 + index % 3,
            "city": ["Oslo", "Rome"][index % 2],
            "kind": ["good", "bad", "good"][index % 3],
            "topics": ["sea", "sun", "sea"][: index % 3],
            "place": [float(index), -2.0],
        }
        sequence = {
            "token": tokens,
            "frame": [[float(x == "a"), float(x != "b")] for x in tokens],
            "tag": [{"a": "B-x", "b": "O", "c": "I-x"}[x] for x in tokens],
            "sure": [[1.0, 0.0, 0.5][i % 3] for i in range(steps)],
            "moods": [[["up"], [], ["down", "up"]][i % 3] for i in range(steps)],
            "level": random.normal(2, 3, steps).astype("float32").tolist(),
        }
        records.append((context, sequence))
    return records


def as_examples(records):
    """The features of the records as a tf.Example holds them: flat lists, and no steps of several values."""
    found = [{**c, **s, "frame": [x for step in s["frame"] for x in step]} for c, s in records]
    for features in found:
        del features["moods"]
    return found


def of_examples(spec):
    """The spec for records that are Examples, which cannot hold several terms per step."""
    labels = {name: label for name, label in spec.labels.items() if name != "moods"}
    return spec.model_copy(update={"record": "Example", "labels": labels})


def analyzed_labels(folder) -> Analyzed:
    return analyzed(labels_spec(), plain_records(), folder)


def export_labels(all_labels, folder):
    """The exported model of the spec with fresh weights, its statistics, and the folder."""
    import keras
    import tensorflow as tf
    import tensorflow_transform as tft

    from tfx_sequences.components.network.model import build_model
    from tfx_sequences.components.serving.exported_model import RawRecordModel, export
    from tfx_sequences.components.training.split_statistics import task_statistics

    output = tft.TFTransformOutput(all_labels.transform_dir)
    weights = {name: np.ones((1, 2) if label.per_step else 1) for name, label in all_labels.spec.labels.items()}
    epoch = [({}, {**weights, "place": np.ones((1, 2))}, weights)]
    statistics = task_statistics(all_labels.spec, output, epoch)
    keras.utils.set_random_seed(0)
    model = build_model(all_labels.spec, statistics, use_cudnn=False)
    raw_model = RawRecordModel(model, output.transform_savedmodel_dir, all_labels.spec, statistics)
    export(raw_model, folder, all_labels.spec, statistics)
    return tf.saved_model.load(folder), statistics, folder
