"""Trains a spec on records of a known rule, from the analysis to the exported model, and returns what it learned."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
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
from tfx_sequences.schemas.spec.auto_settings import with_auto_settings


def learned(spec, train_records, test_records, folder):
    """Accuracy of the served classes on the test records, and the normalizers that were chosen.

    Args:
        spec: A spec with the label `kind`.
        train_records: Context and sequence of each record.
        test_records: The same.
        folder: A folder for the files.
    """
    spec = with_auto_settings(spec)
    graph = analyzed(spec, list(train_records), folder)
    output = tft.TFTransformOutput(graph.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    files = [str(write_records(folder / "train.tfrecord", graph.serialized))]
    statistics = task_statistics(spec, output, None)
    normalizers = normalizers_of(statistics.normalizers)
    read = network_spec(spec, normalizers)
    form = raw_records(spec, loader.apply_transform_model, read_as=read)
    plan = make_plan(read_histogram(output), spec.batching)
    train, valid = (SequenceInput(files, read, form, plan, training=training) for training in (True, False))
    keras.utils.set_random_seed(0)
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, train.steps_per_epoch)
    fit(model, spec, train, valid.dataset.cache())
    served = RawRecordModel(model, output.transform_savedmodel_dir, spec, statistics)
    test = list(test_records)
    predicted = served.predict(tf.constant([sequence_example(c, s).SerializeToString() for c, s in test]))
    classes = predicted["predicted_class"].numpy()
    hits = [name.decode() == c["kind"] for name, (c, _) in zip(classes, test, strict=True)]
    return np.mean(hits), normalizers
