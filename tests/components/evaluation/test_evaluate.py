"""`evaluate_model` beside TFMA, for every kind of label on one model, and beside scikit-learn."""

import numpy as np
import pytest

from tests.components.evaluation.tfma_run import tfma_figures
from tests.records import write_records
from tfx_sequences.components.evaluation.evaluate import evaluate_model

PARTS = ("slices", "step_ranges", "baseline", "plots")


def assert_same(found, expected, where="figures"):
    """Same keys and texts, numbers equal to 1e-6."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_same(found[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            assert_same(ours, theirs, f"{where}/{place}")
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9, err_msg=where)


def compare(folder, analyzed, spec, tmp_path, baseline=None):
    expected = tfma_figures(folder, analyzed.serialized, spec, str(tmp_path), baseline)
    file = write_records(tmp_path / "test.gz", analyzed.serialized)
    found = evaluate_model(folder, [str(file)], spec, baseline=baseline)
    for part in PARTS:
        assert_same(found[part], expected[part], part)
        assert list(found[part]) == list(expected[part])
    assert found["records"] == len(analyzed.records)
    return found


@pytest.mark.slow
def test_every_kind_of_label_is_measured_as_by_tfma(all_labels, labels_model, tmp_path):
    """Seven heads, per record and per step, with weights and spans: slices, lengths, positions, baseline, plots."""
    evaluation = {"slices": ("city", "kind"), "length_slices": (2, 4), "step_slices": (1, 3)}
    spec = all_labels.spec.model_validate({**all_labels.spec.model_dump(), "evaluation": evaluation})
    folder = labels_model[2]
    found = compare(folder, all_labels, spec, tmp_path, baseline=folder)
    assert list(found["slices"])[:3] == ["all", "city=Oslo", "city=Rome"]
    assert {"tag.span_f1", "next_frame.auc", "place.mean_squared_error"} <= found["slices"]["all"].keys()
    assert found["baseline"]["all"] == found["slices"]["all"]
    assert {"confusion", "curve", "calibration"} == found["plots"]["all"]["tag"].keys()
