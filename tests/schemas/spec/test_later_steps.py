"""Columns that take values of later steps are refused where those are to be predicted."""

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

LINES = """
name: s
sequence:
  x: {type: numeric, missing: interpolate}
  token: {type: categorical}
label: %s
model: {bidirectional: false}
"""


@pytest.mark.parametrize("label", ["{key: token, per_step: true, shift: 1}", "{key: y, per_step: true, shift: 2}"])
def test_beside_labels_of_later_steps(label):
    with pytest.raises(SpecError, match=r"sequence.x: missing: interpolate takes values of later steps, which label"):
        spec_from_yaml(LINES % label)


@pytest.mark.parametrize("label", ["{key: kind}", "{key: y, per_step: true}"])
def test_not_beside_others(label):
    assert spec_from_yaml(LINES % label).sequence["x"].missing == "interpolate"
