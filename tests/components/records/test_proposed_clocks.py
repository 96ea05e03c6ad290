"""Lists at two rates with timestamps: proposed as aligned, and accepted by the check."""

import numpy as np
import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.pipeline.commands.propose_command import _proposed

pytestmark = pytest.mark.tfx

RANDOM = np.random.default_rng(3)


def records(slow, fast, *, start=0, times=int, extra=None):
    """A slow list of 4 to 7 values, and a fast one with five times as many; for each, its key and that of its times."""
    made = []
    for index in range(80):
        size = 4 + index % 4
        lists = {
            slow[0]: RANDOM.normal(70, 9, size).tolist(),
            slow[1]: [times(start + 1000 * step) for step in range(size)],
            fast[0]: RANDOM.normal(0, 1, 5 * size).tolist(),
            fast[1]: [times(start + 200 * step) for step in range(5 * size)],
        }
        if extra:
            lists[extra] = RANDOM.normal(0, 1, 2).tolist()
        made.append(sequence_example({"id": f"r{index}", "label": "ab"[index % 2]}, lists))
    return made


def proposed(folder, given):
    write_records(folder / "train.tfrecord", given)
    proposal = _proposed(path_of(folder), label=None, name="rates")
    report = check_data(proposal.spec, folder)
    return proposal, report


@pytest.mark.parametrize(
    ("slow", "fast", "start", "times", "dtype"),
    [
        (("hr", "hr/timestamp"), ("ecg", "ecg/timestamp"), 0, int, "int64"),
        (("pulse", "pulse_at"), ("flow", "flow_at"), 0, float, "float32"),
        (("heartRate", "heartRateTime"), ("force", "time"), 1_650_000_000_000, int, "int64"),
    ],
)
def test_lists_with_timestamps_are_aligned_to_the_longer_one(tmp_path, slow, fast, start, times, dtype):
    proposal, report = proposed(tmp_path, records(slow, fast, start=start, times=times))
    column = proposal.spec.sequence[slow[0]]
    assert (column.timestamps, column.align.to, column.align.dtype) == (slow[1], fast[1], dtype)
    assert column.align.method == "previous"
    assert set(proposal.spec.sequence) == {slow[0], *fast}
    assert [(note.about, note.text) for note in proposal.left_out] == [
        (f"sequence.{slow[1]}", f"the timestamps of sequence.{slow[0]}")
    ]
    assert report.splits["train"].steps == sum(5 * (4 + index % 4) for index in range(80))


def test_a_list_of_another_length_without_timestamps_is_left_out(tmp_path):
    given = records(("hr", "hr/timestamp"), ("ecg", "ecg/timestamp"), extra="peaks")
    proposal, _ = proposed(tmp_path, given)
    assert "peaks" not in proposal.spec.sequence and "hr" in proposal.spec.sequence
    assert any(note.about == "sequence.peaks" and "declare `timestamps`" in note.text for note in proposal.left_out)


def test_times_of_different_types_are_left_out(tmp_path):
    given = records(("hr", "hr/timestamp"), ("ecg", "ecg/timestamp"))
    for record in given:
        feature = record.feature_lists.feature_list["hr/timestamp"].feature
        values = [each.int64_list.value[0] for each in feature]
        for each, value in zip(feature, values, strict=True):
            each.float_list.value.append(float(value))
    proposal, _ = proposed(tmp_path, given)
    assert "hr" not in proposal.spec.sequence
