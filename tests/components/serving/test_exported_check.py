"""What keeps an exported model from being blessed, by the report of the fresh process."""

import tempfile

import numpy as np
import pytest
import tensorflow as tf

from tfx_sequences.components.serving.exported_check import FreshProcess, check_exported, find_failures
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.spec_io import load_spec

GOOD = {
    "records": 3,
    "largest_difference": {"scores": 1e-6, "predictions": 0.0},
    "different_strings": {"predicted_class": 0},
    "empty_batch_rows": {"scores": 0},
}


def test_a_model_that_repeats_the_predictions_has_no_failures():
    assert find_failures(GOOD, 1e-6) == []


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (
            {"largest_difference": {"scores": 0.25}},
            "output 'scores' differs from the trainer's by 0.25, more than 1e-06",
        ),
        ({"largest_difference": {"scores": float("nan")}}, "output 'scores' differs from the trainer's by nan"),
        ({"different_strings": {"predicted_class": 2}}, "output 'predicted_class' has 2 strings that differ"),
        ({"empty_batch_rows": {"scores": 1}}, "output 'scores' has 1 rows for an empty batch"),
        ({"records": 0}, "there were no records to check"),
    ],
)
def test_every_difference_is_a_failure(change, failure):
    [found] = find_failures({**GOOD, **change}, 1e-6)
    assert found.startswith(failure)


def test_a_process_that_ended_with_an_error_is_the_only_failure():
    assert find_failures({"error": "ImportError: x"}, 1e-6) == [
        "the exported model does not run on its own: ImportError: x"
    ]


def test_a_process_that_finds_no_model_says_so(tmp_path):
    with FreshProcess() as process:
        error = process.report(str(tmp_path / "no_model"), str(tmp_path / "no_predictions.npz"))["error"]
    assert "no_predictions.npz" in error


def test_a_process_that_was_started_for_nothing_ends():
    with FreshProcess() as process:
        process.start()
        assert process.is_running
    assert not process.is_running


def test_a_process_whose_disk_is_full_says_nothing_about_the_model(tmp_path, small_disk, monkeypatch):
    class Lengths(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def lengths(self, examples):
            return {"length": tf.strings.length(examples)}

    model = Lengths()
    tf.saved_model.save(model, str(tmp_path / "model"), signatures={"serving_default": model.lengths})
    np.savez(tmp_path / "x.npz", records=np.frombuffer(b"abc", np.uint8), record_lengths=[3])
    disk = small_disk("8k")
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    disk.joinpath("filler").write_bytes(bytes(8192))
    with pytest.raises(UserInputError, match="The disk is full"):
        check_exported(str(tmp_path / "model"), str(tmp_path / "x.npz"), load_spec("japanese_vowels"))
