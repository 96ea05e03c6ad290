"""What the page on rows says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import yaml

from tfx_sequences.components.rows.cutting import windows
from tfx_sequences.schemas.spec.rows import RowWindow
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

PAGE = (Path(__file__).parents[3] / "docs" / "rows.md").read_text("utf-8")


def test_its_specs_are_valid():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
    assert blocks and all(spec_from_yaml(block).rows for block in blocks)


def test_its_python_prints_what_it_says(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    names: dict = {}
    for block in blocks:
        exec(block, names)
    assert capsys.readouterr().out == "".join(re.findall(r"```text\n(.*?)```", PAGE, re.S))


def test_its_windows_are_those_of_the_code():
    lines = re.findall(r"^\| `(\{.*\})` \| ([\d, ]+?) *(?:\(|\|)", PAGE, re.M)
    assert len(lines) == 4
    for text, firsts in lines:
        starts, _ = windows(np.array([0]), np.array([10]), RowWindow(**yaml.safe_load(text)))
        assert starts.tolist() == [int(first) for first in firsts.split(",")]
