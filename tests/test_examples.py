"""The examples: each folder has a spec that is valid, for data that fits it, and a page."""

from pathlib import Path

import pytest

from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.schemas.spec.spec_io import load_spec

FOLDERS = sorted(p.parent for p in (Path(__file__).parents[1] / "examples").glob("*/spec.yaml"))


def test_there_are_some():
    assert {"japanese_vowels", "cmudict", "m1_yearly", "m4_weekly", "sentence_polarity", "snips", "jsb_chorales"} <= {
        folder.name for folder in FOLDERS
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_spec_is_valid_and_has_a_page(folder):
    assert load_spec(folder / "spec.yaml").name == folder.name
    page = (folder / "README.md").read_text("utf-8")
    assert f"examples/{folder.name}/spec.yaml" in page
    # What it reached, and how long that took.
    assert "| this spec, " in page and "| wall time |" in page
    assert f"({folder.name}/README.md)" in (folder.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_records_fit_the_spec(folder, shared_data):
    report = check_data(load_spec(folder / "spec.yaml"), shared_data(folder.name))
    assert report.splits["train"].records > 0
