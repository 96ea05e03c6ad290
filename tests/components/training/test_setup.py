"""The limit of training steps, and the files of a split."""

import pytest

from tfx_sequences.components.training.setup import record_files, with_steps
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(**training):
    return SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y"}, training=training)


@pytest.mark.parametrize(
    ("given", "steps", "limited"),
    [
        ({"epochs": 5}, 40, (1, 40)),
        ({"epochs": 5}, 100, (1, 100)),
        ({"epochs": 5}, 101, (2, 50)),
        ({"epochs": 5}, 499, (5, 99)),
        ({"epochs": 5}, 500, (5, None)),
        ({"epochs": 5, "steps_per_epoch": 10}, 25, (3, 8)),
        ({"epochs": 5, "steps_per_epoch": 10}, 50, (5, 10)),
    ],
)
def test_epochs_are_fewer_and_shorter_and_never_more_steps_than_allowed(given, steps, limited):
    training = with_steps(spec_of(**given), steps, steps_per_epoch=100).training
    assert (training.epochs, training.steps_per_epoch) == limited
    assert training.epochs * (training.steps_per_epoch or 100) <= steps


def test_files_of_all_patterns_are_sorted(tmp_path):
    for name in ("b-1", "a-2", "a-1", "c"):
        (tmp_path / name).write_text("")
    found = record_files([str(tmp_path / "b*"), str(tmp_path / "a*"), str(tmp_path / "none*")])
    assert found == [str(tmp_path / name) for name in ("a-1", "a-2", "b-1")]
