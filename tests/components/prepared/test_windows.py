"""A window of a prepared store: where the rows and steps of each batch are, against the records one by one."""

import numpy as np
import pytest

from tests.components.prepared.stores import IDENTITY, make_spec, write_store
from tfx_sequences.components.prepared.format import read_header
from tfx_sequences.components.prepared.plan import Window
from tfx_sequences.components.prepared.windows import WindowReader
from tfx_sequences.errors import DataError

LENGTHS = [2, 0, 5, 3, 1]


@pytest.fixture
def reader(tmp_path):
    """A reader of a store of two parts, and the lengths of the records of each part."""

    def read(**batching):
        spec = make_spec(batching=batching)
        folder, _ = write_store(tmp_path, LENGTHS, spec=spec, records_per_part=3)
        header = read_header(folder, IDENTITY)
        lengths = np.split(np.load(folder / "lengths.npy"), np.cumsum([part.records for part in header.parts]))[:-1]
        return WindowReader(folder, header, lengths, spec), lengths, folder

    return read


def whole_window(lengths):
    """All rows of both parts in the order of their lengths, in batches of two rows."""
    rows = np.argsort(np.concatenate(lengths), kind="stable").astype(np.int32)
    return Window(np.arange(2), rows, np.array([2, 4, 5]))


def read(reader, lengths, own=(True, True, True), cut_by=None):
    kept = [np.arange(len(part)) for part in lengths]
    return reader.read(whole_window(lengths), kept, np.array(own), cut_by)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_index_gathers_the_steps_of_each_record_and_padding(reader, side):
    made, lengths, _ = reader(padding={"lpc": {"side": side, "value": -1.0}})
    found = read(made, lengths)
    records = np.round(2 * found["values"]["example_weight"]).astype(int)
    assert found["lengths"].tolist() == [LENGTHS[record] for record in records] == sorted(LENGTHS)
    assert [batch[4] for batch in found["batches"].tolist()] == [1, 3, 5]
    for first, last, start, end, steps in found["batches"]:
        index = found[f"{side}_padded"][start:end].reshape(last - first, steps)
        values = found["values"]["sequence.lpc"][index]
        for row, record in enumerate(records[first:last]):
            length = LENGTHS[record]
            # Step s of record i has the numbers i + s, i + s + 1 and i + s + 2.
            expected = record + np.arange(length)[:, None] + np.arange(3)
            real = slice(steps - length, steps) if side == "left" else slice(0, length)
            np.testing.assert_array_equal(values[row, real], expected)
            assert (np.delete(values[row], real, axis=0) == -1).all()


def test_only_the_batches_of_this_worker_are_indexed(reader):
    made, lengths, _ = reader()
    found, whole = read(made, lengths, own=(False, True, False)), read(made, lengths)
    assert found["batches"][:, :2].tolist() == [[2, 4]]
    np.testing.assert_array_equal(found["right_padded"], whole["right_padded"][slice(*whole["batches"][1, 2:4])])


@pytest.mark.parametrize(("truncate", "first"), [("tail", 0), ("head", 3)])
def test_long_records_are_truncated(reader, truncate, first):
    made, lengths, _ = reader(max_length=2, truncate=truncate)
    found = read(made, lengths)
    assert found["lengths"].tolist() == [0, 1, 2, 2, 2]
    start, end = found["batches"][-1, 2:4]
    record = round(2 * found["values"]["example_weight"][-1])
    values = found["values"]["sequence.lpc"][found["right_padded"][start:end]]
    assert values[:, 0].tolist() == [record + first, record + first + 1]


def test_padding_that_the_stored_type_cannot_hold_makes_it_wider(reader):
    made, _, folder = reader(padding={"token": {"value": -1.0}})
    column = next(c for c in read_header(folder, IDENTITY).columns if c.name == "sequence.token")
    assert (column.stored, made.held(column)) == ("uint16", "int64")
    same = WindowReader(folder, read_header(folder, IDENTITY), [], make_spec())
    assert same.held(column) == "uint16"


def test_a_part_that_has_changed_is_damaged(reader):
    made, lengths, folder = reader()
    part = next(folder.glob("part-*"))
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"is damaged[\s\S]*the checksum does not match"):
        read(made, lengths)
