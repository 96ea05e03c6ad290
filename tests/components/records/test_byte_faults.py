from pathlib import Path

import numpy as np
import pytest

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.byte_faults import decoded_rows
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(**column):
    fields = {"type": "numeric", "shape": (2,), "encoding": "int16", **column}
    return SequenceSpec(
        name="s",
        id_key="id",
        sequence={"x": fields},
        context={"c": {**fields, "normalizer": "none"}},
        label={"key": "y"},
    )


def value(*numbers, dtype="<i2"):
    return np.array(numbers, dtype).tobytes()


def record(index, x=None, c=None):
    steps = [value(index, 2), value(3, 4)] if x is None else x
    return sequence_example(
        {"id": f"r{index}", "y": "ab"[index % 2], "c": value(1, 2) if c is None else c}, {"x": steps}
    )


def error_of(folder: Path, spec, **changes):
    write_records(folder / "train-0.tfrecord", [record(i) if i != 4 else record(4, **changes) for i in range(40)])
    with pytest.raises(DataError) as caught:
        check_data(spec, folder)
    return str(caught.value)


def test_records_in_order(tmp_path):
    write_records(tmp_path / "train-0.tfrecord", [record(i, [value(1, 2), b"", []]) for i in range(40)])
    report = check_data(spec_of(), tmp_path)
    assert report.splits["train"].steps == 120 and "sequence.x" in report.normalizers


def test_a_step_that_does_not_fit_is_named(tmp_path):
    message = error_of(tmp_path, spec_of(), x=[value(1, 2), value(1, 2, 3)])
    assert "6 bytes in step 1 of record 4 ('r4')" in message and "4 bytes: 2 numbers of int16" in message
    assert "shape: [3]" in message and "sequence.x" in message.replace("Sequence", "sequence")


def test_a_record_that_does_not_fit_is_named(tmp_path):
    assert "1 bytes in record 4 ('r4')" in error_of(tmp_path, spec_of(), c=b"1")


def test_a_required_value_must_not_be_empty(tmp_path):
    assert "0 bytes in record 4 ('r4')" in error_of(tmp_path, spec_of(), c=b"")


def test_infinities_are_found_within_the_bytes(tmp_path):
    spec = spec_of(encoding="float16")
    message = error_of(tmp_path, spec, x=[value(0, 1, dtype="f2"), value(0, np.inf, dtype="f2")])
    assert "not finite" in message and "inf in record 4 ('r4')" in message


def test_tensors_that_are_none_are_named(tmp_path):
    column = {"type": "numeric", "encoding": "tensor", "normalizer": "none"}
    spec = SequenceSpec(name="s", id_key="id", sequence={"x": column}, label={"key": "y"})
    write_records(tmp_path / "train-0.tfrecord", [record(i) for i in range(40)])
    with pytest.raises(DataError, match=r"(?s)serialize_tensor.*4 bytes in step 0 of the first of"):
        check_data(spec, tmp_path)


def test_lists_of_numbers_are_no_bytes(tmp_path):
    write_records(tmp_path / "train-0.tfrecord", [record(i, [[1.0, 2.0]]) for i in range(40)])
    with pytest.raises(DataError, match="Leave `encoding`"):
        check_data(spec_of(), tmp_path)


def test_decoded_rows_are_the_numbers_of_the_steps():
    spec = spec_of()
    batch = Batch(Path("f"), 0, [record(0, [value(1, 2), b"", value(3, 4)]).SerializeToString()])
    parse_batch(batch, spec)
    rows = decoded_rows(batch.rows["sequence.x"], spec.sequence["x"], spec.sequence["x"].layout)
    assert rows.values.tolist() == [1, 2, 3, 4] and rows.counts.tolist() == [2, 0, 2]


def test_examples_have_a_flat_list_of_values(tmp_path):
    spec = spec_of().model_copy(update={"record": "Example"})

    def flat(index, steps):
        return example({"id": f"r{index}", "y": "ab"[index % 2], "c": value(1, 2), "x": steps})

    steps = [value(1, 2), value(3, 4)]
    write_records(tmp_path / "train-0.tfrecord", [flat(i, steps) for i in range(40)])
    assert check_data(spec, tmp_path).splits["train"].steps == 80
    write_records(tmp_path / "train-1.tfrecord", [flat(40, [*steps, b"123"])])
    with pytest.raises(DataError, match=r"3 bytes in step 2 of record 0 \('r40'\)"):
        check_data(spec, tmp_path)


def test_terms_that_are_not_text_are_refused_by_name(tmp_path):
    column = {"type": "categorical"}
    spec = SequenceSpec(name="s", id_key="id", sequence={"x": column}, label={"key": "y"})
    write_records(tmp_path / "train-0.tfrecord", [record(i, [b"\xff\xd8\xff\xe0", b"a"]) for i in range(40)])
    with pytest.raises(DataError) as caught:
        check_data(spec, tmp_path)
    message = str(caught.value)
    assert "sequence.x contains bytes that are not text" in message and "the first of 40 records: 0" in message
    hashed = SequenceSpec(name="s", id_key="id", sequence={"x": {**column, "hash_bucket_size": 5}}, label={"key": "y"})
    assert check_data(hashed, tmp_path).splits["train"].steps == 80
