"""What scikit-learn says of predictions as `predict` writes them: figures by their names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, mean_squared_error, roc_auc_score

Answers = Sequence[dict[str, Any]]


def of_classes(true: Sequence[str], answers: Answers, weights: Sequence[float] | None = None) -> dict[str, float]:
    """Of a classification: the true classes, and the answers, each with `predicted_class` and `scores`."""
    if not _weigh(true, weights):
        return {}
    classes = list(answers[0]["scores"])
    scores = np.array([list(a["scores"].values()) for a in answers])
    indices = [classes.index(name) for name in true]
    hot = np.eye(len(classes))[indices]
    # Of two classes the second one alone says all.
    first = int(len(classes) == 2)
    return {
        "accuracy": accuracy_score(true, [a["predicted_class"] for a in answers], sample_weight=weights),
        "loss": log_loss(indices, scores, sample_weight=weights, labels=range(len(classes))),
        **_area(hot[:, first:], scores[:, first:], weights),
    }


def of_labels(
    true: Sequence[Collection[str]], scores: Sequence[dict[str, float]], weights: Sequence[float] | None = None
) -> dict[str, float]:
    """Of a multi_label: the classes that are there, and the scores of all."""
    if not _weigh(true, weights):
        return {}
    hot = np.array([[float(name in its) for name in given] for its, given in zip(true, scores, strict=True)])
    found = np.array([list(given.values()) for given in scores])
    each = None if weights is None else np.repeat(weights, hot.shape[1])
    losses = [log_loss(h, f, sample_weight=weights, labels=[0, 1]) for h, f in zip(hot.T, found.T, strict=True)]
    return {
        "loss": sum(losses),
        "accuracy": accuracy_score(hot.ravel(), np.float64(found.ravel() > 0.5), sample_weight=each),
        **_area(hot, found, weights),
    }


def of_numbers(true: Sequence[Any], found: Sequence[Any], weights: Sequence[float] | None = None) -> dict[str, float]:
    """Of a regression, of numbers or vectors."""
    if not _weigh(true, weights):
        return {}
    return {
        "mean_squared_error": mean_squared_error(true, found, sample_weight=weights),
        "mean_absolute_error": mean_absolute_error(true, found, sample_weight=weights),
    }


def expect(
    found: dict[str, float], expected: dict[str, float], metrics: Collection[str], prefix: str = "", where: str = ""
) -> None:
    """Each of the metrics is what is expected; where nothing is, it is not there."""
    for metric in metrics:
        name = prefix + metric
        if metric in expected:
            np.testing.assert_allclose(found[name], expected[metric], rtol=1e-4, atol=1e-6, err_msg=f"{name} {where}")
        else:
            assert name not in found, f"{name} {where} is {found[name]}, of nothing"


def _weigh(true: Sequence[Any], weights: Sequence[float] | None) -> bool:
    return len(true) > 0 and (weights is None or sum(weights) > 0)


def _area(hot: np.ndarray, scores: np.ndarray, weights: Sequence[float] | None) -> dict[str, float]:
    """Of all classes together, to the width of 1000 buckets; of one kind of targets alone there is none."""
    each = np.ones(hot.size) if weights is None else np.repeat(weights, hot.shape[1])
    there = each > 0
    if len(set(hot.ravel()[there])) < 2:
        return {}
    buckets = np.minimum(np.floor(scores * 1000), 999).ravel()
    return {"auc": roc_auc_score(hot.ravel()[there], buckets[there], sample_weight=each[there])}
