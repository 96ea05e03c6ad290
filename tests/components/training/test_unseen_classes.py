"""Classes that the training split does not have: what they count as, from Transform to the exported model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.everything import analyzed, exported
from tests.records import sequence_example
from tfx_sequences.components.kinds.registry import kind_of
from tfx_sequences.components.kinds.spans import SpanCounts
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TAGS = ["O", "B-a", "I-a"]


def spec_of(unseen, **label):
    return SequenceSpec.model_validate(
        {
            "name": "unseen",
            "sequence": {"x": {"type": "numeric", "normalizer": "none"}},
            "label": {"key": "tag", "per_step": True, "unseen": unseen, **label},
            "model": {"units": (3,)},
        }
    )


def records(rows):
    return [({}, {"x": [float(i) for i in range(len(tags))], "tag": tags}) for tags in rows]


TRAIN = records([["O", "B-a", "I-a"], ["O", "O"], ["B-a", "O", "O"]])
TEST = [["O", "B-new", "I-new", "O"], ["B-a"]]


@pytest.fixture(scope="module", params=[("wrong", None), ("other", None), ("wrong", ("O", "B-a", "I-a"))])
def model(request, tmp_path_factory):
    unseen, classes = request.param
    folder = tmp_path_factory.mktemp("unseen")
    of = analyzed(spec_of(unseen, **({"classes": classes} if classes else {})), TRAIN, folder)
    raw, _ = exported(of, folder / "model")
    return unseen, raw


def evaluated(raw):
    serialized = [sequence_example(c, s).SerializeToString() for c, s in records(TEST)]
    return raw.evaluation_outputs(tf.constant(serialized))


def test_unseen_tags_are_one_more_class_after_the_known_ones(model):
    _, raw = model
    targets = evaluated(raw)["targets"].numpy()
    assert targets[0, [1, 2]].tolist() == [3, 3]
    assert set(targets[0, [0, 3]].tolist()) <= {0, 1, 2} and targets[1, 0] < 3


def test_the_served_classes_have_no_class_that_cannot_be_answered(model):
    unseen, raw = model
    serialized = tf.constant([sequence_example({}, {"x": [1.0, 2.0]}).SerializeToString()])
    served = raw.predict(serialized)
    names = [name.decode() for name in served["classes"].numpy()[0]]
    assert sorted(names) == sorted([*TAGS, "I-<unseen>"] if unseen == "other" else TAGS)
    np.testing.assert_allclose(served["scores"].numpy().sum(axis=-1), 1, atol=1e-6)


def test_unseen_tags_count_as_wrong_and_their_spans_as_missed(model):
    unseen, raw = model
    found = evaluated(raw)
    label = raw._spec.label
    classes = raw._statistics.heads["label"].classes
    figures = kind_of(label).measures(label, classes, with_curve=True).measured(found["sums"].numpy().sum(axis=0))
    logits, targets = found["outputs"].numpy().astype(np.float64), found["targets"].numpy()
    places = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    shares = [np.exp(logits[p]) / np.exp(logits[p]).sum() for p in places]
    losses = [-math.log(share[targets[p]]) for share, p in zip(shares, places, strict=True)]
    assert figures["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
    right = [int(share.argmax() == targets[p]) for share, p in zip(shares, places, strict=True)]
    assert figures["accuracy"] == pytest.approx(np.mean(right))
    if unseen == "wrong":
        assert losses[1] == pytest.approx(math.log(1e7), rel=1e-4)
        assert right[1:3] == [0, 0]
    measures = kind_of(label).measures(label, classes, with_curve=True)
    _, _, true = measures.part_of(SpanCounts, found["sums"].numpy().sum(axis=0))
    # The unseen tags next to each other are one span, the known one is the other.
    assert true == 2
