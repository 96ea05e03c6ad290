"""The header of a prepared store: whether a store is up to date and can be read, and the digest of a folder."""

import json

import pytest

from tests.components.prepared.stores import IDENTITY, write_store
from tfx_sequences.components.prepared.format import (
    StoredColumn,
    StoredPart,
    StoreHeader,
    StoreIdentity,
    folder_digest,
    read_header,
)
from tfx_sequences.errors import DataError, UserInputError


@pytest.mark.parametrize(
    ("identity", "what"),
    [
        (StoreIdentity("another", "digest"), "features, label, weight or id of the spec"),
        (StoreIdentity("fingerprint", "x"), "transform graph"),
    ],
)
def test_a_stale_store_is_an_error(tmp_path, identity, what):
    folder, _ = write_store(tmp_path, [2])
    with pytest.raises(UserInputError, match=rf"is stale: it was made from another {what}\."):
        read_header(folder, identity)


def test_no_store_and_a_broken_header_are_errors(tmp_path):
    with pytest.raises(DataError, match="is not a prepared store"):
        read_header(tmp_path / "nothing", IDENTITY)
    folder, _ = write_store(tmp_path, [2])
    header = json.loads((folder / "header.json").read_text())
    (folder / "header.json").write_text(json.dumps({**header, "format_version": 99}))
    with pytest.raises(DataError, match="another format"):
        read_header(folder, IDENTITY)
    (folder / "header.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        read_header(folder, IDENTITY)


def test_a_folders_digest_is_of_names_and_contents(tmp_path):
    def digest(name, **files):
        for file, text in files.items():
            (tmp_path / name / "inner").mkdir(parents=True, exist_ok=True)
            (tmp_path / name / "inner" / file).write_text(text)
        return folder_digest(tmp_path / name)

    first = digest("a", x="1", y="2")
    assert first == digest("b", y="2", x="1")
    assert len({first, digest("c", x="1", y="3"), digest("d", x="1", z="2")}) == 3
    assert len(first) == 64


@pytest.mark.parametrize(("stored", "shape", "size"), [("uint8", (), 1), ("float32", (2, 3), 24), ("int64", (1,), 8)])
def test_the_size_of_a_value_is_that_of_its_numbers(stored, shape, size):
    column = StoredColumn(name="x", kind="sequence", dtype="int64", stored=stored, shape=shape)
    assert column.value_bytes == size


def test_the_records_of_all_parts_are_counted():
    parts = [StoredPart(name=f"p{n}", records=n, steps=9, sizes=(1,), crc32c=0) for n in (3, 0, 4)]
    header = StoreHeader(spec_fingerprint="f", transform_digest="t", seed=1, columns=(), parts=parts, lengths_crc32c=0)
    assert header.records == 7
    assert StoreHeader.model_validate_json(header.model_dump_json()) == header
