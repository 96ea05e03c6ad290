"""Curves and confusion matrices from sums, against scikit-learn."""

import numpy as np
import sklearn.metrics
import tensorflow as tf
from tensorflow_model_analysis.metrics import metric_types

from tfx_sequences.components.evaluation.plots import ConfusionMatrix, ScoreCurves
from tfx_sequences.components.evaluation.score_plots import MOST_CLASSES
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.schemas.spec.label import Label

LABEL = Label(key="y", classes=("no", "yes"))
RANDOM = np.random.default_rng(3)
TARGETS = RANDOM.integers(0, 2, 200)
LOGITS = np.stack([np.zeros(200), RANDOM.normal(TARGETS, 1)], axis=1).astype("float32")
WEIGHTS = RANDOM.integers(0, 3, 200).astype("float32")


def combined(computation, elements):
    """As Beam combines: in two parts."""
    combiner = computation.combiner
    parts = [combiner.create_accumulator() for _ in range(3)]
    for number, element in enumerate(elements):
        part = number % 2
        parts[part] = combiner.add_input(parts[part], metric_types.StandardMetricInputs(prediction=element))
    return combiner.extract_output(combiner.merge_accumulators(parts))


def test_the_curve_and_the_calibration_are_those_of_the_scores():
    measures = kind_of(LABEL).measures(LABEL, LABEL.classes, with_curve=True)
    sums = measures.sums(tf.constant(TARGETS), tf.constant(LOGITS), tf.constant(WEIGHTS)).numpy()
    classes = np.array([b"no", b"yes"])
    [computation] = ScoreCurves.computations_of("c", "sums", LABEL.model_dump_json(), classes="classes")
    plots = {
        key.name: value for key, value in combined(computation, ({"sums": s, "classes": classes} for s in sums)).items()
    }
    scores = 1 / (1 + np.exp(-LOGITS[:, 1]))
    matrices = plots["confusion_matrix_plot"].matrices
    assert len(matrices) == 101
    for matrix in matrices[::10]:
        found = [[matrix.true_negatives, matrix.false_positives], [matrix.false_negatives, matrix.true_positives]]
        above = scores >= matrix.threshold
        expected = sklearn.metrics.confusion_matrix(TARGETS, above, labels=[0, 1], sample_weight=WEIGHTS)
        np.testing.assert_allclose(found, expected, atol=2)  # scores are counted in buckets
    buckets = plots["calibration_plot"].buckets
    assert len(buckets) == 10
    assert sum(bucket.num_weighted_examples.value for bucket in buckets) == WEIGHTS.sum()
    assert sum(bucket.total_weighted_label.value for bucket in buckets) == (WEIGHTS * TARGETS).sum()
    predicted = sum(bucket.total_weighted_refined_prediction.value for bucket in buckets)
    np.testing.assert_allclose(predicted, (WEIGHTS * scores).sum(), rtol=0.01)


def confusion(elements):
    [computation] = ConfusionMatrix.computations_of("c", "outputs", "targets", "weights")
    return combined(computation, elements)


def test_the_confusion_matrix_is_that_of_scikit_learn():
    elements = [{"outputs": o, "targets": t, "weights": w} for o, t, w in zip(LOGITS, TARGETS, WEIGHTS, strict=True)]
    [plot] = confusion(elements).values()
    found = np.zeros((2, 2))
    for entry in plot.matrices[0].entries:
        found[entry.actual_class_id, entry.predicted_class_id] += entry.num_weighted_examples
    expected = sklearn.metrics.confusion_matrix(TARGETS, LOGITS.argmax(1), sample_weight=WEIGHTS)
    np.testing.assert_array_equal(found, expected)


def test_steps_of_weight_zero_and_too_many_classes_are_left_out():
    steps = {"outputs": np.eye(2), "targets": np.array([0, 0]), "weights": np.array([1.0, 0.0])}
    [plot] = confusion([steps]).values()
    assert [(e.actual_class_id, e.predicted_class_id) for e in plot.matrices[0].entries] == [(0, 0)]
    many = {"outputs": np.zeros(MOST_CLASSES + 1), "targets": np.array(0), "weights": np.array(1.0)}
    assert confusion([many]) == {}
