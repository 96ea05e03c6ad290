"""Sums by slice, beside NumPy; the figures of whole models are in test_evaluate.py."""

import numpy as np
import pytest

from tfx_sequences.components.evaluation.slice_totals import SliceTotals, Slicing
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def regression(**evaluation):
    label = {"key": "y", "type": "regression", "per_step": True}
    return SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label=label, evaluation=evaluation)


def outputs(errors, lengths):
    """Of a regression of steps whose targets are 0; each real step has weight 1."""
    weights = np.float32(np.arange(errors.shape[1]) < lengths[:, None])
    kept = errors * weights
    sums = np.stack([weights.sum(1), (kept**2).sum(1), abs(kept).sum(1)], axis=1)
    return {
        "sequence_length": lengths,
        "cut_steps": np.ones_like(lengths),
        "targets": np.zeros_like(errors),
        "outputs": errors[..., None],
        "weights": weights,
        "sums": sums,
    }


def test_rows_may_be_in_several_slices_or_in_none():
    slicing = Slicing.of(np.array([0, 0, 2]), ["a", "b", "b"])
    values = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(slicing.sums(values), [values[0], values[0] + values[2]])
    assert [(name, rows.tolist()) for name, rows in slicing.parts()] == [("a", [0]), ("b", [0, 2])]
    nothing = Slicing.of(np.zeros(0, np.int64), [])
    assert nothing.sums(values).shape == (0, 2) and nothing.parts() == []


def test_batches_add_up_to_the_figures_of_numpy():
    random = np.random.default_rng(0)
    errors, lengths = np.float32(random.normal(size=(6, 5))), np.array([3, 5, 0, 1, 4, 2])
    totals = SliceTotals(regression(step_slices=(2,)), {})
    for part in (slice(0, 4), slice(4, 6)):
        its = outputs(errors[part], lengths[part])
        rows = np.arange(len(its["sums"]))
        whole, parity = Slicing.of(rows, ["all"] * len(rows)), Slicing.of(rows, [f"p={i % 2}" for i in rows])
        totals.add(its, [whole, parity])
    there = np.arange(5) < lengths[:, None]
    assert (totals.records, totals.steps) == (6, 15 + 6)
    for name, rows in {"all": slice(None), "p=0": slice(0, None, 2), "p=1": slice(1, None, 2)}.items():
        metrics, kept = totals.metrics()[name], errors[rows][there[rows]]
        assert metrics["example_count"] == len(errors[rows]) and metrics["step_count"] == lengths[rows].sum()
        np.testing.assert_allclose(metrics["mean_squared_error"], np.mean(kept**2), rtol=1e-6)
        np.testing.assert_allclose(metrics["mean_absolute_error"], np.mean(abs(kept)), rtol=1e-6)
        first = errors[rows][:, :2][there[rows][:, :2]]
        of_range = totals.step_ranges()[name]["0-1"]
        assert of_range["step_count"] == len(first)
        np.testing.assert_allclose(of_range["mean_squared_error"], np.mean(first**2), rtol=1e-6)
    assert totals.plots() == {}


def test_sums_of_another_version_are_refused():
    its = outputs(np.zeros((1, 2), np.float32), np.array([2]))
    its["sums"] = its["sums"][:, :2]
    with pytest.raises(UserInputError, match=r"other sums of the head 'label'[\s\S]*3 sums[\s\S]*2 sums"):
        SliceTotals(regression(), {}).add(its, [Slicing.of(np.array([0]), ["all"])])
