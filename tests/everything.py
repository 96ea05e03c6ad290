"""One spec with every kind of column, records for it, and its transform graph, made once."""

from __future__ import annotations

import dataclasses

import numpy as np

from tests.records import example, sequence_example
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 40
SEVERAL_PER_STEP = ("genres", "topics", "topic_weights")
# Lists that have timestamps of their own, and the timestamps themselves: no step of these can be missing or cut.
OTHER_STEPS = ("pulse", "pulse_at", "nurse")
TIMES = ("at", "pulse_at")


def everything_spec(**changes):
    return SequenceSpec(
        **{
            "name": "everything",
            "id_key": "id",
            "example_weight": "weight",
            "context": {
                "age": {"type": "numeric", "default_value": 50.0},
                "place": {"type": "numeric", "shape": (2,), "normalizer": "min_max"},
                "city": {"type": "categorical", "lowercase": True, "indicator": True},
                "plan": {"type": "categorical", "vocabulary_list": ("free", "paid"), "num_oov_buckets": 2},
                "age_group": {"type": "bucketized", "key": "age", "boundaries": (25, 40), "default_value": 50.0},
                "tags": {"type": "categorical", "multi_valued": True, "num_oov_buckets": 0, "default_value": -1},
                "title": {"type": "text", "lowercase": True, "embedding": {"combiner": "sqrtn"}},
                "home_brand": {"type": "categorical", "embedding": {"table": "brand", "dimension": 3}},
                "city_and_plan": {
                    "type": "crossed",
                    "keys": ("city", "plan"),
                    "hash_bucket_size": 6,
                    "indicator": True,
                },
                "interests": {"type": "categorical", "weighted_by": "interest_weights", "indicator": True},
            },
            "sequence": {
                "lpc": {"type": "numeric", "shape": (3,)},
                "price": {"type": "numeric", "normalizer": "log1p"},
                "pulse": {
                    "type": "numeric",
                    "timestamps": "pulse_at",
                    "align": {"to": "at", "method": "interpolate", "tolerance": 2.0},
                },
                "nurse": {
                    "type": "categorical",
                    "timestamps": "pulse_at",
                    "align": {"to": "at", "method": "nearest"},
                },
                "token_and_day": {
                    "type": "crossed",
                    "keys": ("token", "day"),
                    "dtypes": {"day": "int64"},
                    "hash_bucket_size": 9,
                    "embedding": {"dimension": 2},
                },
                "price_by_token": {"type": "numeric", "key": "price", "normalizer": {"z_score_by": "token"}},
                "count": {"type": "numeric", "dtype": "int64", "normalizer": "none", "default_value": -1.0},
                "token": {"type": "categorical", "vocabulary": {"frequency_threshold": 2}, "num_oov_buckets": 1},
                "day": {"type": "categorical", "dtype": "int64", "num_buckets": 7},
                "item": {"type": "categorical", "dtype": "int64", "vocabulary_list": (10, 20, 30), "default_value": 2},
                "url": {"type": "categorical", "hash_bucket_size": 5},
                "speed": {"type": "bucketized", "boundaries": (30, 50)},
                "pair": {"type": "bucketized", "shape": (2,), "boundaries": (0.0,), "embedding": {"dimension": 2}},
                "scaled": {"type": "numeric", "shape": (2,), "normalizer": {"offset": (1.0, 2.0), "scale": 0.5}},
                "genres": {"type": "categorical", "multi_valued": True, "vocabulary_list": ("x", "y", "z")},
                "words": {"type": "text", "source": "sequence", "split": "regex", "pattern": "-"},
                "brand": {"type": "categorical", "embedding": {"table": "brand", "dimension": 3}},
                "topics": {
                    "type": "categorical",
                    "weighted_by": "topic_weights",
                    "weight_dtype": "int64",
                    "hash_bucket_size": 7,
                    "embedding": {"combiner": "sqrtn"},
                },
            },
            "label": {"key": "kind"},
            "model": {"units": (4,)},
            "training": {"epochs": 2},
            **changes,
        }
    )


def plain_records():
    """Context and sequence values of 40 records, lengths 0 to 6, deterministic."""
    random = np.random.default_rng(7)
    records = []
    for index in range(NUM_RECORDS):
        steps = index % 7
        context = {
            "id": f"r{index}",
            "weight": 0.5 + index % 3,
            "place": [float(index), -2.0 * index],
            "city": ["Oslo", "oslo", "Rome"][index % 3],
            "plan": ["free", "paid", "other"][index % 3],
            "kind": ["good", "bad", "good"][index % 3],
            "tags": ["red", "blue", "red"][: index % 4],
            "title": ["The Title", "", "a  title of titles"][index % 3],
            "home_brand": ["acme", "zen"][index % 2],
            "interests": ["art", "sport", "rare"][: index % 4],
            "interest_weights": [0.5, 2.0, -1.0][: index % 4],
        }
        if index % 5:
            context["age"] = float(20 + index)
        sequence = {
            "lpc": random.normal(3, 2, (steps, 3)).astype("float32").tolist(),
            "price": random.normal(0, 9, steps).astype("float32").tolist(),
            "count": random.integers(0, 9, steps).tolist(),
            "token": [["a", "b", "c", f"rare{index}"][i % 4] for i in range(steps)],
            "day": random.integers(0, 7, steps).tolist(),
            "item": random.choice([10, 20, 30, 40], steps).tolist(),
            "url": [f"u{i}" for i in range(steps)],
            "speed": [[30.0, 10.0, 70.0, 49.0][i % 4] for i in range(steps)],
            "pair": [[float(i), -float(i)] for i in range(steps)],
            "scaled": [[float(i), 4.0] for i in range(steps)],
            "genres": [[["x"], ["y", "w", "y"], []][i % 3] for i in range(steps)],
            "words": [["up", "up-down", "-"][i % 3] for i in range(steps)],
            "brand": [["zen", "fresh"][i % 2] for i in range(steps)],
            "at": [float(10 * i) for i in range(steps)],
            "pulse_at": [float(4 * i + index % 4) for i in range(index % 5)],
            "pulse": [60.0 + 3 * i for i in range(index % 5)],
            "nurse": [["Ada", "Bo"][i % 2] for i in range(index % 5)],
            "topics": [[["p", "q"], [], ["p", "q", "p"]][i % 3] for i in range(steps)],
            "topic_weights": [[[3, 1], [], [2, 0, 5]][i % 3] for i in range(steps)],
        }
        records.append((context, sequence))
    return records


def as_examples(records):
    """The features of the records as a tf.Example holds them: flat lists, and no steps of several values."""
    arrays = ("lpc", "pair", "scaled")
    several: dict[str, list] = {key: [] for key in SEVERAL_PER_STEP}
    return [{**c, **s, **{key: [x for step in s[key] for x in step] for key in arrays}, **several} for c, s in records]


@dataclasses.dataclass(frozen=True)
class Analyzed:
    """A transform graph in its folder, and what it was made of."""

    spec: SequenceSpec
    records: list
    transform_dir: str

    @property
    def serialized(self):
        return [sequence_example(c, s).SerializeToString() for c, s in self.records]

    @property
    def serialized_examples(self):
        return [example(features).SerializeToString() for features in as_examples(self.records)]

    @property
    def spec_of_examples(self):
        """For records that are Examples, which cannot hold several values per step."""
        sequence = {name: column for name, column in self.spec.sequence.items() if name not in SEVERAL_PER_STEP}
        return self.spec.model_copy(update={"record": "Example", "sequence": sequence})


def analyzed_everything(folder):
    return analyzed(everything_spec(), plain_records(), folder)


def analyzed(spec, records, folder):
    """Analyzed by TFT with Beam, through TFX's reader and our schema, as the Transform component does."""
    result = Analyzed(spec, records, str(folder / "graph"))
    analyzed_serialized(spec, result.serialized, folder)
    return result


def analyzed_serialized(spec, serialized, folder):
    """The folder of the transform graph of serialized SequenceExamples."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tfx_bsl.public import tfxio

    from tfx_sequences.components.stages.exact_integers import exact_integers
    from tfx_sequences.components.transform.preprocessing import transform_inputs
    from tfx_sequences.schemas.features.tfmd import make_schema

    transform_dir = str(folder / "graph")
    source = tfxio.TFSequenceExampleBeamRecord(
        physical_format="memory", telemetry_descriptors=["tests"], schema=make_schema(spec)
    )
    with (
        exact_integers(),
        beam.Pipeline(runner="FnApiRunner") as pipeline,
        tft_beam.Context(temp_dir=str(folder / "tmp")),
    ):
        batches = pipeline | beam.Create(serialized) | source.BeamSource()
        graph = (batches, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(
            lambda inputs: transform_inputs(inputs, spec)
        )
        _ = graph | tft_beam.WriteTransformFn(transform_dir)
    return transform_dir


def exported(of, folder):
    """A model of random weights, and `folder`, where it is exported."""
    import keras
    import tensorflow_transform as tft

    from tfx_sequences.components.network.model import build_model
    from tfx_sequences.components.network.task_statistics import TaskStatistics
    from tfx_sequences.components.serving.exported_model import RawRecordModel, export
    from tfx_sequences.components.training.split_statistics import task_statistics

    output = tft.TFTransformOutput(of.transform_dir)
    statistics = task_statistics(of.spec, output, None)
    assert isinstance(statistics, TaskStatistics)
    keras.utils.set_random_seed(0)
    model = build_model(of.spec, statistics, use_cudnn=False)
    raw = RawRecordModel(model, output.transform_savedmodel_dir, of.spec, statistics)
    export(raw, str(folder), of.spec, statistics)
    return raw, folder
