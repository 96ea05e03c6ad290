"""Figures of ranks are those of scikit-learn, and of their definition where scores are tied."""

import numpy as np
import tensorflow as tf
from sklearn.metrics import ndcg_score, top_k_accuracy_score

from tfx_sequences.components.kinds.evaluated_measures import evaluated_measures
from tfx_sequences.components.kinds.target_ranks import ranks
from tfx_sequences.schemas.spec.label import Label

NAMES = ("mrr", "top_3_accuracy", "recall@3", "ndcg@3", "ndcg@20", "perplexity")


def figures(label, targets, logits, weights):
    measures = evaluated_measures(label, [str(n) for n in range(logits.shape[-1])], with_curve=True)
    return measures.measured(measures.sums(targets, tf.constant(logits), weights).numpy().sum(0))


def test_figures_of_steps():
    random = np.random.default_rng(0)
    targets, logits = random.integers(0, 20, (50, 7)), random.normal(size=(50, 7, 20)).astype("float32")
    weights = random.choice(np.float32([0, 1, 3]), (50, 7))
    found = figures(Label(key="y", per_step=True, measures=NAMES), targets, logits, weights)
    there = weights > 0
    true, scores, weight = targets[there], logits[there], weights[there]
    hot, order = np.eye(20)[true], np.argsort(-scores, axis=-1)
    rank = 1 + np.argmax(order == true[:, None], axis=-1)
    likelihood = np.take_along_axis(scores, true[:, None], 1)[:, 0] - np.log(np.exp(scores.astype(float)).sum(-1))
    top = top_k_accuracy_score(true, scores, k=3, labels=range(20), sample_weight=weight)
    expected = {
        "mrr": np.average(1 / rank, weights=weight),
        "top_3_accuracy": top,
        "recall@3": top,
        "ndcg@3": ndcg_score(hot, scores, k=3, sample_weight=weight),
        "ndcg@20": ndcg_score(hot, scores, sample_weight=weight),
        "perplexity": np.exp(np.average(-likelihood, weights=weight)),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


def test_the_same_score_for_all_classes_is_not_a_good_rank():
    assert ranks(tf.constant([0, 2]), tf.zeros([2, 4])).numpy().tolist() == [4, 4]
    found = figures(
        Label(key="y", measures=NAMES), np.array([0, 2]), np.zeros((2, 4), "float32"), np.ones(2, "float32")
    )
    assert found["top_3_accuracy"] == found["ndcg@3"] == 0 and found["mrr"] == 0.25
    np.testing.assert_allclose(found["perplexity"], 4, rtol=1e-6)
