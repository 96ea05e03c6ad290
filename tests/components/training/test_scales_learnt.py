"""Signals whose scale differs by powers of ten from record to record are learnt without a word in the spec about it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.numbers import tails_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.numbers.chosen import normalizers_of
from tfx_sequences.components.serving.exported_model import RawRecordModel
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TRAIN, TEST = 200, 100


def loud_records(number, seed):
    """Noise whose scale alone tells the class."""
    random = np.random.default_rng(seed)
    for index in range(number):
        is_loud = index % 2
        scale = 10 ** random.uniform(*((0, 2) if is_loud else (-3, -1)))
        values = (scale * random.normal(size=random.integers(10, 20))).astype("float32")
        yield {"id": f"s{index}", "kind": ["quiet", "loud"][is_loud]}, {"value": values.tolist()}


@pytest.mark.slow
@pytest.mark.parametrize(("records", "epochs"), [(tails_records, 40), (loud_records, 10)])
def test_shape_is_learnt_whatever_the_scale_and_so_is_the_scale(records, epochs, tmp_path):
    # The training is declared so that it takes little time; nothing is declared about the numbers.
    spec = SequenceSpec(
        name="tails",
        sequence={"value": {"type": "numeric"}},
        label={"key": "kind"},
        batching={"batch_size": 16},
        model={"units": (24,), "cell": "gru"},
        training={"epochs": epochs, "learning_rate": 0.01, "early_stopping_patience": None},
    )
    everyone = list(records(TRAIN + TEST, 7))
    graph = analyzed(spec, everyone[:TRAIN], tmp_path)
    output = tft.TFTransformOutput(graph.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    files = [str(write_records(tmp_path / "train.tfrecord", graph.serialized))]
    statistics = task_statistics(spec, output, None)
    assert normalizers_of(statistics.normalizers) == {"sequence.value": "per_record"}
    read = network_spec(spec, normalizers_of(statistics.normalizers))
    form = raw_records(spec, loader.apply_transform_model, read_as=read)
    plan = make_plan(read_histogram(output), spec.batching)
    train, valid = (SequenceInput(files, read, form, plan, training=training) for training in (True, False))
    keras.utils.set_random_seed(0)
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, train.steps_per_epoch)
    fit(model, spec, train, valid.dataset.cache())
    served = RawRecordModel(model, output.transform_savedmodel_dir, spec, statistics)
    test = everyone[TRAIN:]
    said = served.predict(tf.constant([sequence_example(c, s).SerializeToString() for c, s in test]))
    hits = [name.decode() == c["kind"] for name, (c, _) in zip(said["predicted_class"].numpy(), test, strict=True)]
    assert np.mean(hits) >= 0.95
