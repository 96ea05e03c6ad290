"""Weights that balance classes, against scikit-learn and by their definition; and the counts they are made from."""

import numpy as np
import pytest
import tensorflow_transform as tft
from sklearn.utils.class_weight import compute_class_weight

from tfx_sequences.components.transform.class_counts import balanced_weights, read_counts


def test_one_class_per_target_is_balanced_as_by_scikit_learn():
    labels = np.repeat([0, 1, 2], [60, 5, 1])
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(balanced_weights(np.bincount(labels).astype(float), 66, several=False), theirs)


def test_of_several_classes_presence_weighs_as_much_as_absence():
    counts = np.array([10.0, 55.0])
    weights = balanced_weights(counts, 60, several=True)
    np.testing.assert_allclose(weights * counts, 60 - counts)


@pytest.mark.parametrize("several", [True, False])
def test_a_class_without_targets_weighs_one(several):
    assert balanced_weights(np.array([4.0, 0.0, 2.0]), 6, several=several)[1] == 1.0


def test_counts_of_the_training_split_are_exact(all_labels):
    output = tft.TFTransformOutput(all_labels.transform_dir)
    tags = [tag for _, sequence in all_labels.records for tag in sequence["tag"]]
    topics = [topic for context, _ in all_labels.records for topic in context["topics"]]
    classes = ("B-x", "O", "I-x", "none")
    np.testing.assert_array_equal(read_counts(output, "label.tag", classes), [tags.count(c) for c in classes])
    np.testing.assert_array_equal(
        read_counts(output, "label.topics", ("sea", "sun")), [topics.count("sea"), topics.count("sun")]
    )
