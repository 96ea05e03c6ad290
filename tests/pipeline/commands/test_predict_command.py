"""`tfx-sequences predict`: options that exclude each other, and what it says of records without a prediction."""

import io

import pytest

from tfx_sequences.components.serving.predictor import MOST_NAMED, Failure, Failures
from tfx_sequences.pipeline.commands.capture import Capture
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.pipeline.commands.predict_command import _tell_failures, _write


@pytest.mark.tfx
def test_a_limit_and_beam_exclude_each_other(capfd):
    assert main(["predict", "m", "d", "--limit", "3", "--beam-runner", "direct"]) == 2
    assert "--limit takes the first records, but Beam has no record order" in capfd.readouterr().err


@pytest.fixture
def capture(tmp_path):
    return Capture(tmp_path / "log", io.StringIO(), io.StringIO())


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [
        (1, "1 record has no prediction:", "  record 0 of [a]: why"),
        (12, "12 records have no prediction:", "  and 2 more"),
    ],
)
def test_the_first_records_without_a_prediction_are_named(capture, count, first, last):
    failures = Failures()
    for number in range(count):
        failures(Failure(f"record {number} of [a]", "why"))
    _tell_failures(capture, failures)
    lines = capture.error_console.file.getvalue().splitlines()
    assert (lines[0], lines[-1]) == (first, last)
    assert len(lines) == 1 + min(count, MOST_NAMED) + (count > MOST_NAMED)


def test_rows_are_written_and_counted(capture, tmp_path):
    def write(rows, file):
        for row in rows:
            file.write(row["id"].encode())

    assert _write(capture, write, iter([{"id": "a"}, {"id": "b"}]), tmp_path / "out") == 2
    assert (tmp_path / "out").read_bytes() == b"ab"
    # The counter is for a terminal only.
    assert capture.error_console.file.getvalue() == ""
