"""The Evaluator counts each record and each step exactly once, or the check says where it does not."""

from tests.labels import labels_spec
from tests.records import example, write_records
from tfx_sequences.components.stages.evaluation_check import count_split, find_miscounts


def test_miscounts_are_told():
    spec = labels_spec(evaluation={"length_slices": (2,), "step_slices": (1,)})
    whole = {"example_count": 2.0, "step_count": 5.0, "cut_step_count": 1.0}
    found = {
        "records": 2,
        "steps": 6,
        "slices": {
            "all": whole,
            "length=0-1": {"example_count": 1.0},
            "length=2 and more": {**whole, "example_count": 1.0},
        },
        "step_ranges": {"all": {"0": {"tag.step_count": 2.0}, "1 and more": {"tag.step_count": 3.0}}},
    }
    assert find_miscounts(found, spec) == []
    found["records"], found["step_ranges"]["all"]["0"]["tag.step_count"] = 3, 1.0
    whole["cut_step_count"] = 2.0
    assert find_miscounts(found, spec) == [
        "example_count is 2, but the split has 3 records",
        "step_count and cut_step_count add up to 7, but the split has 6 steps",
        "cut_step_count is 1 over the slices by length, but 2 over all records",
        "tag.step_count is 4 over the ranges of steps, but 5 over all steps",
    ]


def test_records_and_steps_of_all_files_are_counted(tmp_path):
    lengths = [[3, 0, 5], [], [2]]
    files = [
        write_records(tmp_path / f"part-{number}.gz", [example({"sequence_length": n}) for n in its])
        for number, its in enumerate(lengths)
    ]
    assert count_split([str(file) for file in files]) == {"records": 4, "steps": 10}
    assert count_split([]) == {"records": 0, "steps": 0}
