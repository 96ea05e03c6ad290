"""What the check counts of missing lists, steps and elements, against the records themselves."""

import numpy as np
import pytest

from tests.missing import MARKER, missing_records, missing_spec
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.missing_values import MissingCounts
from tfx_sequences.components.records.number_figures import NumberFigures
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

RECORDS = missing_records()


def splits(folder, records):
    for split in ("train", "valid", "test"):
        write_records(folder / f"{split}.tfrecord", records)
    return folder


def expected_of(key, size=1, is_missing=lambda x: np.isnan(x)):
    absent = steps = elements = rows = 0
    for _, sequence in RECORDS:
        length = max((len(v) for v in sequence.values()), default=0)
        values = sequence.get(key, [[]] * length)
        absent += length > 0 and key not in sequence
        rows += length
        steps += sum(step == [] for step in values)
        elements += sum(is_missing(x) for step in values if step != [] for x in np.ravel(step))
    return MissingCounts(absent, steps, elements, rows, rows * size)


def test_missing_lists_steps_and_elements_are_counted_by_split(tmp_path):
    report = check_data(missing_spec(), splits(tmp_path, [sequence_example(c, s) for c, s in RECORDS]))
    missing = report.splits["train"].missing
    assert missing == report.splits["test"].missing
    assert missing["sequence.vitals"] == missing["sequence.band"] == expected_of("vitals", 3)
    assert missing["sequence.dose"] == expected_of("dose")
    assert missing["sequence.count"] == expected_of("count", is_missing=lambda x: x == -1)
    of_code = expected_of("code", is_missing=lambda x: False)
    assert missing["sequence.code"] == of_code and of_code.records > 2
    # A step without terms, where there may be any number, lacks none: only whole lists are missing.
    tags = missing["sequence.tags"]
    assert tags.records > 0 and tags.steps == sum(
        max(len(v) for v in s.values()) for _, s in RECORDS if s and "tags" not in s
    )
    mass = [c.get("mass", np.nan) for c, _ in RECORDS]
    assert missing["context.mass"] == MissingCounts(
        int(np.isnan(mass).sum()), 0, mass.count(MARKER), len(RECORDS), len(RECORDS)
    )
    assert report.splits["train"].steps == sum(max((len(v) for v in s.values()), default=0) for _, s in RECORDS)


def test_statistics_of_the_check_leave_them_out(tmp_path):
    path = write_records(tmp_path / "train.tfrecord", [sequence_example(c, s) for c, s in RECORDS])
    spec = missing_spec(sequence={"count": {**dict(missing_spec().sequence["count"]), "normalizer": "auto"}})
    found = NumberFigures.of_files([path], spec)._found["sequence.count"].moments
    values = [x for _, s in RECORDS for x in s.get("count", []) if x != -1]
    np.testing.assert_allclose(found.mean[0], np.mean(values))
    np.testing.assert_allclose(found.std[0], np.std(values))


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_records_without_a_list(tmp_path, kind):
    def of(index):
        context = {"id": f"r{index}", "kind": "ab"[index % 2]}
        lists = {"code": ["x"] * 3, "pair": [[1.0, 2.0]] * 3}
        if index in (2, 5):
            del lists["pair"]
        if kind == "SequenceExample":
            return sequence_example(context, lists)
        return example({**context, **{k: list(np.ravel(v)) for k, v in lists.items()}})

    columns = {"code": {"type": "categorical"}, "pair": {"type": "numeric", "shape": (2,)}}
    spec = SequenceSpec(name="s", record=kind, sequence=columns, label={"key": "kind"})
    report = check_data(spec, splits(tmp_path, [of(i) for i in range(8)]))
    assert report.splits["train"].missing == {"sequence.pair": MissingCounts(2, 6, 0, 24, 48)}
    assert report.splits["train"].missing["sequence.pair"].words() == "6 of 24 steps (all steps of 2 records)"


def test_an_absent_list_without_an_id_for_missing_terms_is_told(tmp_path):
    from tfx_sequences.errors import DataError

    records = [
        sequence_example({"kind": "ab"[i % 2]}, {"x": [1.0], **({} if i == 3 else {"day": [4]})}) for i in range(8)
    ]
    columns = {"x": {"type": "numeric"}, "day": {"type": "categorical", "dtype": "int64", "num_buckets": 7}}
    with pytest.raises(DataError, match=r"sequence.day has no value in a step[\s\S]*in 3 records, the first: 3 of"):
        check_data(SequenceSpec(name="s", sequence=columns, label={"key": "kind"}), splits(tmp_path, records))
