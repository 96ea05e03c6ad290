"""A kind that is not ours is trained, exported, evaluated and predicted by the same code: counts, by Poisson's law."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from keras import layers, utils
from tensorflow_model_analysis.metrics import metric_types

from tests.everything import analyzed
from tfx_sequences.components.evaluation.config import make_eval_config
from tfx_sequences.components.evaluation.metrics import HeadFigure
from tfx_sequences.components.kinds import registry
from tfx_sequences.components.kinds.label_kind import LabelKind
from tfx_sequences.components.kinds.measures import Measures, WeightedMeans
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.serving.exported_model import RawRecordModel, export
from tfx_sequences.components.serving.predictor import answers
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.schemas.kinds import registry as declared_registry
from tfx_sequences.schemas.kinds.number_kind import NumberKind
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NUM_RECORDS = 24


class DeclaredCounts(NumberKind):
    name = "counts"

    def metrics(self, label):
        return ("deviance",)


class Counts(LabelKind):
    declared = DeclaredCounts()

    def output(self, head):
        return layers.Dense(1, name=f"{head.prefix}log_rate", dtype="float32")(head.vectors)

    def loss(self, label, class_weights=()):
        return _poisson_loss

    def measures(self, label, classes=(), *, with_curve=False):
        return Measures(label, [WeightedMeans(("deviance",), _deviance, per_step=label.per_step)])

    def served(self, label, output, classes):
        return {"predictions": tf.exp(tf.squeeze(output, -1))}


def _poisson_loss(targets, outputs):
    log_rate = tf.squeeze(outputs, -1)
    return tf.exp(log_rate) - targets * log_rate


def _deviance(targets, outputs):
    log_rate = tf.squeeze(outputs, -1)
    return [2 * (targets * (tf.math.log(targets) - log_rate) - (targets - tf.exp(log_rate)))]


def plain_records():
    counts = [[1, 3, 2, 2], [8, 5, 7, 4]]
    return [
        ({"city": ["Oslo", "Rome"][i % 2], "visits": float(counts[i % 2][i // 2 % 4])}, {"x": [0.0] * (1 + i % 3)})
        for i in range(NUM_RECORDS)
    ]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The exported model of a spec with counts, loaded; its spec; and the serialized records."""
    folder = tmp_path_factory.mktemp("counts")
    registry.register(Counts())
    try:
        spec = SequenceSpec(
            name="counts",
            context={"city": {"type": "categorical", "indicator": True}},
            sequence={"x": {"type": "numeric", "normalizer": "none"}},
            label={"key": "visits", "type": "counts"},
            model={"units": (2,), "dropout": 0.0},
            training={"learning_rate": 0.1, "optimizer": "adam", "ema_momentum": None},
        )
        data = analyzed(spec, plain_records(), folder)
        output = tft.TFTransformOutput(data.transform_dir)
        statistics = task_statistics(spec, output, None)
        utils.set_random_seed(0)
        model = build_model(spec, statistics, use_cudnn=False)
        compile_model(model, spec, statistics, steps_per_epoch=1)
        raw_model = RawRecordModel(model, output.transform_savedmodel_dir, spec, statistics)
        records = tf.constant(data.serialized)
        inputs, targets = raw_model.transform_features(records), raw_model.evaluation_inputs(records)["label"]
        batch = (inputs, targets, tf.ones(NUM_RECORDS))
        model.fit(tf.data.Dataset.from_tensors(batch).repeat(150), verbose=0)
        export(raw_model, str(folder / "model"), spec, statistics)
        yield tf.saved_model.load(str(folder / "model")), spec, records
    finally:
        del registry._KINDS["counts"], declared_registry._KINDS["counts"]


def test_it_learns_the_mean_of_each_group(evaluated):
    """The most probable rate of Poisson's law is the mean of what is counted."""
    model, spec, records = evaluated
    served = model.signatures["serving_default"](examples=records)
    found = np.array([row["prediction"] for row in answers({n: v.numpy() for n, v in served.items()}, spec)])
    np.testing.assert_allclose(found[0::2], 2.0, rtol=0.05)
    np.testing.assert_allclose(found[1::2], 6.0, rtol=0.05)


def test_the_evaluator_measures_it_as_numpy_does(evaluated):
    model, spec, records = evaluated
    outputs = model.signatures["evaluation_outputs"](examples=records)
    [metric] = [m for m in make_eval_config(spec).metrics_specs[0].metrics if m.class_name == "HeadFigure"]
    assert '"deviance"' in metric.config
    [computation] = HeadFigure.computations_of("deviance", "deviance", "sums", spec.label.model_dump_json())
    combiner = computation.combiner
    accumulator = combiner.create_accumulator()
    for row in range(NUM_RECORDS):
        prediction = {name: value[row].numpy() for name, value in outputs.items()}
        accumulator = combiner.add_input(accumulator, metric_types.StandardMetricInputs(prediction=prediction))
    [(key, value)] = combiner.extract_output(accumulator).items()
    counts, rates = np.array([c["visits"] for c, _ in plain_records()]), outputs["predictions"].numpy()
    expected = np.mean(2 * (counts * np.log(counts / rates) - (counts - rates)))
    assert key.name == "deviance" and value == pytest.approx(expected, rel=1e-4)
