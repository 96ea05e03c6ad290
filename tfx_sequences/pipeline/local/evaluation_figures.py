"""The Evaluator's metrics as tables and charts of the report."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

MOST_CLASSES = 30
"""For more classes, the report lists the most frequent mistakes instead of the confusion matrix."""
_MOST_MISTAKES = 30
_COUNTS = {"example_count": "records", "step_count": "steps", "cut_step_count": "steps cut off"}


Naive = Mapping[str, Sequence[Mapping[str, Any]]]
"""Naive answers by metric, the best first: `answer` and `value`."""


def metric_rows(metrics: Mapping[str, float], naive: Naive | None = None) -> list[tuple[str, str]]:
    """Metrics as text; counts come last and without decimals, truncated steps only if there are any.

    Args:
        metrics: Values by name.
        naive: If given, the best naive answer is shown next to each metric.

    >>> metric_rows({"accuracy": 0.5}, {"accuracy": [{"answer": "majority class", "value": 0.25}]})
    [('accuracy', '0.5000 (naive 0.2500: majority class)')]
    >>> metric_rows({"loss": 0.25, "accuracy": 0.5, "example_count": 4.0, "step_count": 9.0, "cut_step_count": 0.0})
    [('accuracy', '0.5000'), ('loss', '0.2500'), ('records', '4'), ('steps', '9')]
    """
    measured = {name: value for name, value in sorted(metrics.items()) if not name.endswith("_count")}
    best = {name: answers[0] for name, answers in (naive or {}).items() if answers}
    rows = [
        (name, f"{value:.4f}" + (f" (naive {best[name]['value']:.4f}: {best[name]['answer']})" if name in best else ""))
        for name, value in measured.items()
    ]
    for name, words in _COUNTS.items():
        if name in metrics and (metrics[name] or name != "cut_step_count"):
            rows.append((words, f"{metrics[name]:.0f}"))
    return rows + [("weight", f"{v:g}") for name, v in metrics.items() if name == "weighted_example_count"]


def table(rows: Mapping[str, Mapping[str, float]]) -> tuple[list[str], dict[str, list[str]]]:
    """Column names, and the values of each row as text; empty if a row does not have the metric.

    >>> table({"x=1": {"loss": 0.5}, "x=2": {"accuracy": 1.0, "loss": 0.25}})
    (['accuracy', 'loss'], {'x=1': ['', '0.5000'], 'x=2': ['1.0000', '0.2500']})
    """
    texts = {name: dict(metric_rows(_without_head_counts(metrics))) for name, metrics in rows.items()}
    names = {name for its in texts.values() for name in its}
    counts = [words for words in (*_COUNTS.values(), "weight") if words in names]
    columns = [*sorted(names - set(counts)), *counts]
    return columns, {name: [its.get(column, "") for column in columns] for name, its in texts.items()}


def naive_table(naive: Naive) -> tuple[list[str], dict[str, list[str]]]:
    """The same as `table`, with one row per naive answer.

    >>> naive_table({"loss": [{"answer": "class frequencies", "value": 0.5}], "accuracy": []})
    (['loss'], {'class frequencies': ['0.5000']})
    """
    rows: dict[str, dict[str, float]] = {}
    for metric, answers in naive.items():
        for each in answers:
            rows.setdefault(str(each["answer"]), {})[metric] = each["value"]
    return table(rows)


def _without_head_counts(metrics: Mapping[str, float]) -> dict[str, float]:
    """All per-step heads have the same `NAME.step_count`; keeps one of them as `step_count`."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        found["step_count" if name.endswith(".step_count") else name] = value
    return found


def confusion_table(entries: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A confusion matrix for the page: complete if it has few classes, otherwise its most frequent mistakes.

    Args:
        entries: `[class, predicted class, weight]`.

    Returns:
        `classes` and `rows` (each class, its weights by predicted class, and its recall); or `mistakes`.

    >>> confusion_table([["a", "a", 3.0], ["a", "b", 1.0]])["rows"]
    [('a', ['3', '1'], '0.750'), ('b', ['', ''], '')]
    """
    weights: Counter[tuple[str, str]] = Counter()
    totals: Counter[str] = Counter()
    for true, predicted, weight in entries:
        weights[true, predicted] += weight
        totals[true] += weight
        totals[predicted] += 0
    classes = [name for name, _ in totals.most_common()]
    if len(classes) > MOST_CLASSES:
        mistakes = [(pair, weight) for pair, weight in weights.most_common() if pair[0] != pair[1]]
        return {"mistakes": [(*pair, f"{weight:g}") for pair, weight in mistakes[:_MOST_MISTAKES]]}
    rows = []
    for true in classes:
        cells = [f"{weights[true, other]:g}" if weights[true, other] else "" for other in classes]
        rows.append((true, cells, f"{weights[true, true] / totals[true]:.3f}" if totals[true] else ""))
    return {"classes": classes, "rows": rows}


def score_picture(plots: Mapping[str, Any]) -> str:
    """The ROC curve and calibration plot of a head, as a base64-encoded SVG image; empty without scores."""
    if not plots.get("curve") or not plots.get("calibration"):
        return ""
    axes, encoded = _axes(2)
    right = [tp / (tp + fn) if tp + fn else 0.0 for _, tp, _, _, fn in plots["curve"]]
    wrong = [fp / (fp + tn) if fp + tn else 0.0 for _, _, fp, tn, _ in plots["curve"]]
    axes[0].plot(wrong, right)
    axes[0].set(xlabel="false positive rate", ylabel="true positive rate", title="ROC")
    there = [(scores / weight, labels / weight) for weight, scores, labels in plots["calibration"] if weight]
    axes[1].plot(*zip(*there, strict=True), marker="o")
    axes[1].set(xlabel="mean score", ylabel="fraction of positives", title="calibration")
    for each in axes:
        each.plot([0, 1], [0, 1], color="0.8", zorder=0)
        each.set(xlim=(0, 1), ylim=(0, 1))
    return encoded()


def learning_curve(history: Mapping[str, Sequence[float]]) -> str:
    """Training and validation metrics by epoch, as a base64-encoded SVG image."""
    names = [name for name in history if f"val_{name}" in history]
    axes, encoded = _axes(len(names))
    for each, name in zip(axes, names, strict=True):
        epochs = range(1, len(history[name]) + 1)
        each.plot(epochs, history[name], label="train")
        each.plot(epochs, history[f"val_{name}"], label="valid")
        each.set(xlabel="epoch", title=name.replace("_", " "))
        each.legend(frameon=False)
    return encoded()


def _axes(number: int) -> tuple[list[Any], Any]:
    """Creates `number` axes, three in a row; also returns the function that encodes the figure."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    columns = min(number, 3)
    rows = -(-number // columns)
    figure = Figure(figsize=(4.5 * columns, 3 * rows), layout="constrained")
    FigureCanvasSVG(figure)

    def encoded() -> str:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        return base64.b64encode(buffer.getvalue()).decode()

    return [figure.add_subplot(rows, columns, place + 1) for place in range(number)], encoded
