import pytest
import tensorflow as tf

from tests.components.prepared.stores import FEATURES, IDENTITY, make_spec, ragged, write_store, write_transformed
from tfx_sequences.components.prepared.format import read_header
from tfx_sequences.components.prepared.store import write_prepared_store
from tfx_sequences.errors import DataError, UserInputError


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_records_are_dealt_to_parts_by_the_seed(tmp_path):
    folder, files = write_store(tmp_path, [3] * 40, records_per_part=10)
    header = read_header(folder, IDENTITY)
    assert [part.records for part in header.parts] == [10] * 4
    assert names(folder) == ["header.json", "lengths.npy", *[f"part-{i:05d}-of-00004" for i in range(4)]]

    def written(seed, name):
        spec = make_spec(training={"seed": seed})
        write_prepared_store(files, spec, FEATURES, tmp_path / name, IDENTITY, records_per_part=10)
        return [(tmp_path / name / part.name).read_bytes() for part in header.parts]

    assert written(0, "again") == [(folder / part.name).read_bytes() for part in header.parts]
    assert written(1, "other") != written(0, "same")


@pytest.mark.parametrize(("highest", "stored"), [(255, "uint8"), (256, "uint16"), (65_536, "int32"), (2**31, "int64")])
def test_ids_take_the_smallest_type_that_holds_them(tmp_path, highest, stored):
    files = write_transformed(tmp_path, [0, 900, 900], highest_id=highest)
    # The highest possible id has to be among them.
    record = tf.train.Example.FromString(next(iter(tf.data.TFRecordDataset(files, "GZIP").skip(1))).numpy())
    record.features.feature["token"].int64_list.value[0] = highest
    extra = tmp_path / "extra"
    with tf.io.TFRecordWriter(str(extra)) as writer:
        writer.write(record.SerializeToString())
    header = write_prepared_store([*files, str(extra)], make_spec(), FEATURES, tmp_path / "s", IDENTITY)
    assert {c.name: c.stored for c in header.columns}["sequence.token"] == stored
    assert header.records == 4


def test_a_negative_id_keeps_its_sign(tmp_path):
    features = {name: FEATURES[name] for name in ("label", "sequence_length")}
    features["sequence.x"] = ragged(tf.int64, "x")
    from tests.records import example, write_records

    record = example({"label": 0, "sequence_length": 2, "x": [-1, 7]})
    files = [str(write_records(tmp_path / "t", [record]))]
    header = write_prepared_store(files, make_spec(), features, tmp_path / "s", IDENTITY)
    assert {c.name: c.stored for c in header.columns} == {"label": "uint8", "sequence.x": "int8"}


@pytest.mark.parametrize("name", ["context.tags", "sequence.genres", "sequence.words"])
def test_what_has_no_column_is_refused(tmp_path, name):
    several = {
        "context.tags": ragged(tf.int64, "x"),
        "sequence.genres": ragged(tf.int64, "x", tf.io.RaggedFeature.RowLengths("y")),
        "sequence.words": ragged(tf.string, "x"),
    }
    files = write_transformed(tmp_path, [2, 3])
    with pytest.raises(UserInputError, match=f"'{name}' cannot be stored in a prepared store"):
        write_prepared_store(files, make_spec(), {**FEATURES, name: several[name]}, tmp_path / "store", IDENTITY)


def test_a_failed_write_leaves_nothing(tmp_path):
    files = write_transformed(tmp_path, [2, 3])
    before = names(tmp_path)
    with open(files[1], "r+b") as file:
        file.seek(40)
        file.write(b"not what was there")
    with pytest.raises(tf.errors.DataLossError):
        write_prepared_store(files, make_spec(), FEATURES, tmp_path / "store", IDENTITY)
    assert names(tmp_path) == before


def test_a_folder_that_is_there_is_not_touched(tmp_path):
    folder, files = write_store(tmp_path, [2, 3])
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(UserInputError, match="already exists"):
        write_prepared_store(files, make_spec(), FEATURES, folder, IDENTITY)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_an_unknown_class_is_an_error_with_its_record(tmp_path):
    files = write_transformed(tmp_path, [2, 3, 4])
    record = tf.train.Example.FromString(next(iter(tf.data.TFRecordDataset(files[1:], "GZIP"))).numpy())
    record.features.feature["label"].int64_list.value[0] = -1
    record.features.feature["id"].bytes_list.value[0] = b"r7"
    with tf.io.TFRecordWriter(str(tmp_path / "bad")) as writer:
        writer.write(record.SerializeToString())
    with pytest.raises(DataError, match=r"(?s)Label 'y': 1 of 1.*record 'r7'"):
        write_prepared_store([str(tmp_path / "bad")], make_spec(), FEATURES, tmp_path / "store", IDENTITY)
    assert not (tmp_path / "store").exists()


def test_a_feature_without_a_column_is_an_error_with_its_name(tmp_path):
    several = ragged(tf.int64, "tags", tf.io.RaggedFeature.RowLengths("lengths"))
    with pytest.raises(UserInputError, match=r"(?s)'sequence.tags'.*one number, id or vector"):
        write_prepared_store([], make_spec(), {**FEATURES, "sequence.tags": several}, tmp_path / "store", IDENTITY)
    assert not names(tmp_path)
