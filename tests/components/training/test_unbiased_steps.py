"""The gradients of an epoch's steps add up to that of all targets: for every kind of label, plan and store.

With weights that do not change, the sum over the steps of an epoch is the gradient of the sum over all targets, divided
by the expected targets of a step. Both sides are computed here; the right one from all records in one batch.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.forecasts import plain_records as forecast_records
from tests.labels import plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.schemas.spec.batching import Batching

# Forecasts are learned from windows and with true values that are drawn for each epoch; here nothing is drawn.
PLANS = {
    "batches of 4": {"batch_size": 4},
    "batches of 7, two buckets": {"batch_size": 7, "num_buckets": 2},
    "given boundaries": {"bucket_boundaries": (2, 5), "bucket_batch_sizes": (9, 4, 2)},
    "token budget": {"batch_size": 16, "token_budget": 12},
    "short and long records left out, others cut": {"batch_size": 4, "drop_shorter_than": 1, "drop_longer_than": 5},
}
ALL = {"batch_size": 100, "num_buckets": 1}


class Case:
    """A spec with its records, and a network whose weights stay as they are."""

    def __init__(self, of, records, folder):
        self.folder = folder
        serialized = [sequence_example(context, steps) for context, steps in records]
        self.files = [str(write_records(folder / f"{i}.tfrecord", serialized[i::2])) for i in range(2)]
        self.output = tft.TFTransformOutput(of.transform_dir)
        loader = saved_transform_io_v2.SavedModelLoader(self.output.transform_savedmodel_dir)
        self.transform = loader.apply_transform_model
        model = of.spec.model.model_copy(update={"dropout": 0.0})
        self.spec = of.spec.model_copy(update={"model": model})
        keras.utils.set_random_seed(3)
        self.model = build_model(self.spec, task_statistics(self.spec, self.output, self.input(ALL)[1]))

    def input(self, batching):
        spec = self.spec.model_copy(update={"batching": Batching(**batching)})
        plan = make_plan(read_histogram(self.output), spec.batching)
        return spec, SequenceInput(self.files, spec, raw_records(spec, self.transform), plan, training=True)

    def gradient_times_expected_targets(self, batching):
        """By head: what does not depend on the batches; and the number of batches."""
        spec, read = self.input(batching)
        statistics = task_statistics(spec, self.output, self.input(batching)[1])
        compile_model(self.model, spec, statistics, read.steps_per_epoch)
        sums = dict.fromkeys(spec.heads, 0.0)
        steps = 0
        for inputs, targets, weights in read.dataset:
            steps += 1
            with tf.GradientTape(persistent=True) as tape:
                outputs = self.model(inputs, training=True)
                losses = {}
                for name in spec.heads:
                    alone = weights
                    if isinstance(weights, dict):
                        alone = {head: w if head == name else tf.zeros_like(w) for head, w in weights.items()}
                    losses[name] = self.model.compute_loss(inputs, targets, outputs, alone, training=True)
            for name, loss in losses.items():
                found = tape.gradient(loss, self.model.trainable_variables, unconnected_gradients="zero")
                flat = np.concatenate([tf.convert_to_tensor(g).numpy().ravel() for g in found])
                sums[name] += flat.astype(np.float64) * statistics.heads[name].targets / read.steps_per_epoch
        assert steps == read.steps_per_epoch
        return sums, steps


@pytest.fixture(scope="module")
def labels(all_labels, tmp_path_factory):
    return Case(all_labels, plain_records(), tmp_path_factory.mktemp("labels"))


def left_out(batching, length):
    return not batching.get("drop_shorter_than", 0) <= length <= batching.get("drop_longer_than", np.inf)


@pytest.mark.parametrize("plan", PLANS)
def test_the_gradients_of_an_epoch_add_up(labels, plan):
    batching = PLANS[plan]
    dropping = {name: value for name, value in batching.items() if name.startswith("drop")}
    expected, one = labels.gradient_times_expected_targets({**ALL, **dropping})
    received, steps = labels.gradient_times_expected_targets(batching)
    assert one == 1 < steps
    for name, gradient in expected.items():
        scale = np.abs(gradient).max()
        assert scale > 1e-3
        np.testing.assert_allclose(received[name] / scale, gradient / scale, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("plan", [plan for plan in PLANS if "left out" not in plan])
def test_the_gradients_of_forecasts_add_up(forecasts, plan, tmp_path):
    options = forecasts.spec.labels if forecasts.spec.label is None else {"label": forecasts.spec.label}
    fixed = {
        name: label.model_copy(
            update={"forecast": label.forecast.model_copy(update={"windows": 0, "teacher_forcing": 1.0})}
        )
        for name, label in options.items()
    }
    update = {"labels": fixed} if forecasts.spec.label is None else fixed
    of = type(forecasts)(**{**vars(forecasts), "spec": forecasts.spec.model_copy(update=update)})
    case = Case(of, forecast_records(), tmp_path)
    expected, _ = case.gradient_times_expected_targets({**ALL, "truncate": "head"})
    received, steps = case.gradient_times_expected_targets({**PLANS[plan], "truncate": "head"})
    assert steps > 1
    for name, gradient in expected.items():
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(received[name] / scale, gradient / scale, atol=1e-5, err_msg=name)


def test_the_targets_are_counted_by_weight(labels):
    """By the definition, from the plain records."""
    records = plain_records()
    statistics = task_statistics(labels.spec, labels.output, labels.input({"batch_size": 4})[1])
    weight = dict.fromkeys(labels.spec.heads, 0.0)
    for context, steps in records:
        length = len(steps["token"])
        for name, label in labels.spec.heads.items():
            each = np.ones(1)
            if label.per_step:
                each = np.ones(max(length - label.shift, 0))
                if label.step_weight:
                    each = np.array(steps[label.step_weight][: len(each)], float)
            weight[name] += context["weight"] * each.sum()
    for name, expected in weight.items():
        np.testing.assert_allclose(statistics.heads[name].targets, expected, rtol=1e-6, err_msg=name)
