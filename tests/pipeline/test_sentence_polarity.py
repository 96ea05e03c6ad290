"""The bundled spec with string tokens, a computed vocabulary and computed classes, on its real data."""

import json
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_bundled_spec_learns_sentiment(command, shared_data, tmp_path, monkeypatch):
    run = command("run", "sentence_polarity", "--data", shared_data("sentence_polarity"), "--output", tmp_path / "out")
    assert run.returncode == 0, run.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["metrics"]["example_count"] == 1068
    # 0.762, 0.773 and 0.770 with the seeds 0, 1 and 2 where it was measured.
    assert report["metrics"]["accuracy"] >= 0.76
    assert report["model_check"]["failures"] == []

    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import equality

    found = equality.compare(tmp_path / "out")
    assert found["predict"] == found["predict through Beam"] == 0 and max(found.values()) <= 1e-6, found
