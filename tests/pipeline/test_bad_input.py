"""What a user may get wrong, through the command line: exit code, message, and that nothing is written.

Each case makes a folder of data (and a spec) with one thing wrong with it, and says what the four parts of the
message must hold.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import yaml

from tests.records import example, sequence_example, write_records
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_to_json

pytestmark = pytest.mark.tfx

NUMBER = {"type": "numeric"}
SPEC = {
    "name": "bad_input",
    "id_key": "id",
    "context": {"age": NUMBER},
    "sequence": {"pitch": NUMBER, "token": {"type": "categorical"}},
    "label": {"key": "kind", "classes": ["noun", "verb"]},
}


@dataclasses.dataclass(frozen=True)
class Bad:
    """What the user types, and what the message must say."""

    what: str
    expected: str | None = None
    received: str | tuple[str, ...] | None = None
    fix: str | None = None
    spec: str = "spec.yaml"
    data: str = "data"
    output: str = "output"


Case = Callable[[Path], Bad]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def spec_in(folder: Path, **changes: Any) -> None:
    """Writes the spec; `sequence__pitch={...}` changes what is in `sequence`, None takes it out."""
    spec = copy.deepcopy(SPEC)
    for path, value in changes.items():
        section, _, key = path.rpartition("__")
        part = spec[section] if section else spec
        part.pop(key, None)
        if value is not None:
            part[key] = value
    (folder / "spec.yaml").write_text(yaml.safe_dump(spec))


def record(index: int, context: dict[str, Any] | None = None, **sequence: Any) -> tf.train.SequenceExample:
    """A good record of two or three steps, but for what is given; None leaves a feature out."""
    contexts = {"id": f"r{index}", "age": float(index), "kind": ["noun", "verb"][index % 2], **(context or {})}
    steps = 2 + index % 2
    lists = {"pitch": [0.5 * i for i in range(steps)], "token": ["x", "y", "z"][:steps], **sequence}
    return sequence_example(
        {k: v for k, v in contexts.items() if v is not None}, {k: v for k, v in lists.items() if v is not None}
    )


def good(count: int = 12, context: dict[str, Any] | None = None, **sequence: Any) -> list[tf.train.SequenceExample]:
    return [record(i, context, **sequence) for i in range(count)]


def data_in(
    folder: Path, train: Iterable[Any] | None = None, test: Iterable[Any] | None = None, name: str = "train.tfrecord"
) -> Path:
    """Writes the three splits, good ones if nothing is given, and returns the training file."""
    data = folder / "data"
    write_records(data / "valid.tfrecord", good(4))
    write_records(data / "test.tfrecord.gz", good(4) if test is None else test)
    return write_records(data / name, good() if train is None else train)


def framed(records: Iterable[tf.train.SequenceExample]) -> int:
    """Bytes of the records in an uncompressed file."""
    return sum(len(r.SerializeToString()) + 16 for r in records)


# -- files


@case
def no_such_data_folder(folder):
    spec_in(folder)
    data_in(folder)
    return Bad("The data folder does not exist.", "a folder", "/dta", "Did you mean 'data'?", data="dta")


@case
def data_is_a_file(folder):
    spec_in(folder)
    file = data_in(folder)
    return Bad("not a folder", "a folder", f"the file {file}", str(file.parent), data="data/train.tfrecord")


@case
def data_is_no_path_of_this_machine(folder):
    spec_in(folder)
    return Bad(
        "TensorFlow does not support the file system of s9://bucket/data.", "gs://", "s9://", data="s9://bucket/data"
    )


@case
def data_has_a_name_too_long(folder):
    spec_in(folder)
    return Bad("The data folder cannot be used: File name too long.", "a path", "xxx", "the path", data="x" * 300)


@case
def only_valid_and_test_files(folder):
    spec_in(folder)
    data_in(folder).unlink()
    return Bad(
        f"No file for the training split in {folder / 'data'}.",
        "splits.train: 'train*'",
        ("'test.tfrecord.gz'", "'valid.tfrecord'"),
        "splits",
    )


@case
def files_of_other_names(folder):
    spec_in(folder)
    data = data_in(folder).parent
    for split in ("train", "valid", "test"):
        [file] = data.glob(f"{split}*")
        file.rename(data / f"words-{file.name}")
    return Bad("No file for the training split", "'train*'", "'words-train.tfrecord'", "train: '*train*'")


@case
def no_files_at_all(folder):
    spec_in(folder)
    (folder / "data").mkdir()
    return Bad("No file for the training split", "'train*'", "an empty folder", "TFRecord files")


@case
def link_to_nowhere(folder):
    spec_in(folder)
    file = data_in(folder)
    file.unlink()
    file.symlink_to("nowhere")
    return Bad(f"{file} cannot be read: No such file", "a TFRecord file", None, "Check the file")


@case
def truncated(folder):
    spec_in(folder)
    file = data_in(folder)
    file.write_bytes(file.read_bytes()[:-5])
    at = framed(good()[:-1])
    return Bad(f"{file} is truncated.", "complete records", f"record 11, at byte {at}, is incomplete", "again")


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 0x10
    file.write_bytes(content)


@case
def corrupt_payload(folder):
    spec_in(folder)
    file = data_in(folder)
    at = framed(good()[:5])
    flip(file, at + 12 + 7)
    return Bad(f"{file} is corrupt.", "a matching checksum", f"payload of record 5, at byte {at},", "again")


@case
def corrupt_length(folder):
    spec_in(folder)
    file = data_in(folder)
    at = framed(good()[:5])
    flip(file, at + 1)
    return Bad(f"{file} is corrupt.", "a matching checksum", f"length of record 5, at byte {at},", "again")


@case
def corrupt_gzip(folder):
    spec_in(folder)
    file = data_in(folder, name="train.tfrecord.gz")
    flip(file, file.stat().st_size // 2)
    # What of it is noticed first is not ours to say.
    return Bad(f"{file} is corrupt.", None, None, "again")


@case
def truncated_gzip(folder):
    spec_in(folder)
    file = data_in(folder, name="train.tfrecord.gz")
    size = file.stat().st_size - 20
    os.truncate(file, size)
    return Bad(f"{file} is truncated.", "a complete gzip stream", f"after byte {size}", "again")


@case
def records_without_the_group(folder):
    spec_in(folder, splits={"group": "user"})
    data_in(folder, good(6))
    (folder / "data" / "valid.tfrecord").unlink()
    (folder / "data" / "test.tfrecord.gz").unlink()
    return Bad("A record does not have the group 'user'.", "splits.group", "no 'user' beside", "Add the group")


@case
def text_instead_of_records(folder):
    spec_in(folder)
    file = data_in(folder)
    file.write_text("word,pitch,kind\nx,0.5,noun\n")
    return Bad(f"{file} is not a TFRecord file.", "TFRecord", "text: 'word,pitch,kind", "TFRecordWriter")


@case
def length_beyond_all_memory(folder):
    from google_crc32c import value as crc

    spec_in(folder)
    file = data_in(folder)
    length = struct.pack("<Q", 2**62)
    masked = crc(length)
    masked = (((masked >> 15) | (masked << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    file.write_bytes(length + struct.pack("<I", masked) + b"x" * 100)
    return Bad(f"{file} is truncated.", "complete records", "record 0, at byte 0, is incomplete")


@case
def split_without_records(folder):
    spec_in(folder)
    data_in(folder, test=[])
    return Bad("The split 'test' has no records.", "at least one", "'test.tfrecord.gz', all empty", "splits.test")


@case
def too_few_records_to_hold_back(folder):
    spec_in(folder)
    data_in(folder, good(6))
    (folder / "data" / "valid.tfrecord").unlink()
    (folder / "data" / "test.tfrecord.gz").unlink()
    return Bad("has no files, and no training record is held back", "each split", "6 training records", "_fraction")


# -- records


@case
def bytes_that_are_no_protocol_buffers(folder):
    spec_in(folder)
    file = data_in(folder, [*good(), b"\xff\xfe no protocol buffer"])
    return Bad(f"record 12 of {file} does not contain features.", "SequenceExample", "neither", "SerializeToString")


@case
def examples_instead_of_sequence_examples(folder):
    spec_in(folder)
    flat = {"age": 1.0, "kind": "noun", "pitch": [1.0, 2.0], "token": ["x", "y"]}
    file = data_in(folder, [example({"id": f"r{i}", **flat}) for i in range(9)])
    return Bad(
        f"{file} contains tf.Example records, not tf.SequenceExample.", "feature lists", "'pitch'", "`record: Example`"
    )


@case
def sequence_examples_instead_of_examples(folder):
    spec_in(folder, record="Example")
    file = data_in(folder)
    return Bad(
        f"{file} contains tf.SequenceExample records, not tf.Example.",
        "`record: Example`",
        "the feature lists 'pitch', 'token'",
        "`record: SequenceExample`",
    )


@case
def feature_that_no_record_has(folder):
    spec_in(folder, sequence__pitches=NUMBER, sequence__pitch=None)
    data_in(folder)
    return Bad("No record has sequence.pitches.", "'pitches'", "'pitch', 'token'", "Did you mean 'pitch'?")


@case
def label_that_no_record_has(folder):
    spec_in(folder, label={"key": "kinds"})
    data_in(folder)
    return Bad("No record has the label 'kinds'.", "'kinds'", "'kind'", "Did you mean 'kind'?")


@case
def sequence_feature_that_is_in_the_context(folder):
    spec_in(folder, sequence__age=NUMBER, context=None)
    data_in(folder)
    return Bad(
        "No record has sequence.age.",
        "'age' among the sequence features",
        "'age' is a context feature",
        "Move 'age' to `context:`",
    )


@case
def sequence_stored_as_integers(folder):
    spec_in(folder)
    file = data_in(folder, good(pitch=[1, 2, 3], token=["x"] * 3))
    return Bad(
        "sequence.pitch has a different dtype in the data than in the spec.",
        "dtype float32",
        f"int64 in record 0 ('r0') of {file}",
        "`dtype: int64` at sequence.pitch",
    )


@case
def sequence_stored_as_strings(folder):
    spec_in(folder)
    file = data_in(folder, good(pitch=["1.0", "2.0"], token=["x"] * 2))
    return Bad("sequence.pitch has", "float32", f"string in record 0 ('r0') of {file}", "`type: categorical`")


@case
def sequence_stored_as_floats_late(folder):
    spec_in(folder)
    file = data_in(folder, [*good(500), record(500, token=[1.0, 2.0])])
    return Bad("sequence.token has", "string", f"float32 in record 500 ('r500') of {file}", "`type: numeric`")


@case
def context_of_another_dtype(folder):
    spec_in(folder)
    file = data_in(folder, good(context={"age": 3}))
    return Bad("context.age has", "float32", f"int64 in record 0 ('r0') of {file}", "`dtype: int64` at context.age")


@case
def label_of_another_dtype(folder):
    spec_in(folder, label={"key": "kind"})
    file = data_in(folder, good(context={"kind": 1}))
    return Bad("the label 'kind' has", "dtype string", f"int64 in record 0 ('r0') of {file}", "`dtype: int64`")


@case
def label_missing_in_some_records(folder):
    spec_in(folder, label={"key": "kind", "missing_label": "error"})
    file = data_in(folder, [record(i, {"kind": None} if i in (2, 5, 7, 8) else None) for i in range(12)])
    return Bad(
        "The label 'kind' is missing.",
        "'kind' in the context of every record",
        f"no value in 4 records, the first: 2 ('r2'), 5 ('r5'), 7 ('r7') of {file}",
        "Write 'kind'",
    )


@case
def class_that_the_spec_lacks(folder):
    spec_in(folder)
    file = data_in(folder, [record(i, {"kind": "Verb"} if i > 9 else None) for i in range(12)])
    return Bad(
        "The label 'kind' has a class that `label.classes` does not list.",
        "one of 'noun', 'verb'",
        f"'Verb' in 2 records, the first: 10 ('r10'), 11 ('r11') of {file}",
        "The closest is 'verb'.",
    )


@case
def class_of_the_test_that_training_lacks(folder):
    spec_in(folder, label={"key": "kind"})
    data_in(folder, test=[*good(4), record(4, {"kind": "verbs"})])
    return Bad(
        "The split 'test' has a class of the label 'kind' that no training record has.",
        "one of 'noun', 'verb'",
        "'verbs' in 1 record of 'test'",
        "The closest is 'verb'.",
    )


@case
def only_one_class(folder):
    spec_in(folder)
    data_in(folder, good(context={"kind": "noun"}))
    return Bad("same class of the label 'kind'", "at least 2 classes", "'noun' in all 12 records", "other classes")


@case
def unknown_term(folder):
    column = {"type": "categorical", "vocabulary_list": ["x", "y", "zed"], "num_oov_buckets": 0}
    spec_in(folder, sequence__token=column)
    file = data_in(folder)
    return Bad(
        "sequence.token has a term that is not in its vocabulary.",
        "one of 'x', 'y', 'zed'",
        f"'z' in 10 records, the first: 1 ('r1'), 3 ('r3'), 5 ('r5') of {file}",
        "`num_oov_buckets: 1`",
    )


@case
def identity_out_of_range(folder):
    spec_in(folder, sequence={"day": {"type": "categorical", "dtype": "int64", "num_buckets": 7}})
    file = data_in(folder, [record(i, day=[0, 6 + (i == 3)]) for i in range(12)])
    for name in ("valid.tfrecord", "test.tfrecord.gz"):
        write_records(folder / "data" / name, good(4, day=[1]))
    return Bad("sequence.day has an id", "ids from 0 to 6", f"7 in record 3 ('r3') of {file}", "Raise `num_buckets`")


@case
def all_sequences_empty(folder):
    spec_in(folder)
    data_in(folder, good(pitch=[], token=[]))
    return Bad(
        "All sequences of the split 'train' have length zero.", "'pitch', 'token'", "no steps in 12 records", "step"
    )


@case
def unequal_numbers_of_steps(folder):
    spec_in(folder)
    file = data_in(folder, [*good(8), record(8, pitch=[1.0, 2.0, 3.0])])
    return Bad(
        "different numbers of steps",
        "the same number for all",
        f"sequence.pitch 3, sequence.token 2 steps in record 8 ('r8') of {file}",
        "empty steps",
    )


@case
def not_a_finite_number(folder):
    spec_in(folder)
    data_in(folder, test=[*good(4), record(4, pitch=[0.0, math.inf])])
    return Bad(
        "sequence.pitch has a value that is not finite.",
        "finite",
        f"inf in record 4 ('r4') of {folder / 'data' / 'test.tfrecord.gz'}",
        "missing value",
    )


@case
def wrong_number_of_values_in_a_step(folder):
    spec_in(folder, sequence__pitch={"type": "numeric", "shape": [2]})
    file = data_in(folder, good(pitch=[[1.0, 2.0, 3.0]], token=["x"]))
    return Bad(
        "sequence.pitch has a step with a wrong number", "2 values (shape [2])", f"'r2') of {file}", "`shape: [3]`"
    )


# -- the output folder


@case
def output_below_a_file(folder):
    spec_in(folder)
    data_in(folder)
    (folder / "a_file").write_text("")
    return Bad(f"{folder / 'a_file'} is a file.", "a folder", None, "--output", output="a_file/output")


@case
def output_that_even_root_cannot_make(folder):
    spec_in(folder)
    data_in(folder)
    return Bad("The output folder /proc/none/output cannot be", None, None, "--output", output="/proc/none/output")


@case
def output_with_a_name_too_long(folder):
    spec_in(folder)
    data_in(folder)
    return Bad("The output folder cannot be used: File name too long.", "a path", "xxx", "the path", output="x" * 300)


def closed(path: Path, mode: int) -> Path:
    """Takes permissions away, if that means anything to who runs the tests."""
    path.chmod(mode)
    if os.access(path, os.W_OK):
        pytest.skip("this user may read and write anything")
    return path


@case
def file_that_may_not_be_read(folder):
    spec_in(folder)
    file = closed(data_in(folder), 0)
    return Bad(f"{file} cannot be read: Permission denied", "a TFRecord file", None, "permissions")


@case
def read_only_folder(folder):
    spec_in(folder)
    data_in(folder)
    (folder / "closed").mkdir()
    closed(folder / "closed", 0o500)
    return Bad("cannot be written", f"write permission in {folder / 'closed'}", None, "--output", output="closed/out")


@case
def read_only_output_folder(folder):
    spec_in(folder)
    data_in(folder)
    (folder / "output").mkdir()
    closed(folder / "output", 0o500)
    return Bad("cannot be written", f"write permission in {folder / 'output'}", None, "--output")


# -- the spec


@case
def no_such_spec(folder):
    data_in(folder)
    return Bad("No such spec:", "a YAML file", "spec.yaml'", "Bundled specs: japanese_vowels")


@case
def unknown_bundled_spec(folder):
    data_in(folder)
    return Bad(
        "No such spec:", "bundled spec", "'japanese_vowel'", "Did you mean 'japanese_vowels'?", spec="japanese_vowel"
    )


@case
def spec_is_no_yaml(folder):
    data_in(folder)
    (folder / "spec.yaml").write_text("name: x\nsequence: {pitch: [\n")
    return Bad(r"is not YAML: while parsing", None, None, "Correct the line")


@case
def spec_is_empty(folder):
    data_in(folder)
    (folder / "spec.yaml").write_text("# to be written\n")
    return Bad(f"{folder / 'spec.yaml'} is not a spec.", "name, sequence and label", "None")


@case
def unknown_key_in_the_spec(folder):
    data_in(folder)
    spec_in(folder, model={"untis": [4], "dropout": 2.0})
    return Bad("Unknown key 'untis'. Did you mean 'units'? Known keys: 'front', 'cell', 'units'")


@case
def wrong_values_in_the_spec(folder):
    data_in(folder)
    spec_in(folder, batching={"batch_size": "32"}, sequence__pitch={"type": "numerical"})
    return Bad("batching.batch_size: Input should be a valid integer (received '32')")


@case
def missing_vocabulary_file(folder):
    data_in(folder)
    spec_in(folder, sequence__token={"type": "categorical", "vocabulary_file": "terms.txt"})
    return Bad("sequence.token: no such vocabulary file.", "one term per line", str(folder / "terms.txt"), "folder")


# -- what is asserted


def state_of(folder: Path) -> dict[str, Any]:
    """Everything below a folder: names, contents, modification times."""
    paths = [folder, *folder.rglob("*")]
    return {
        str(path): (
            path.lstat().st_mtime_ns,
            path.read_bytes() if os.access(path, os.R_OK) and path.is_file() else None,
        )
        for path in sorted(paths)
    }


def parts_of(message: str) -> dict[str, str]:
    """The parts of an error message, by name; `what` is the first."""
    message = message.removeprefix("Error: ")
    names = re.findall(r"^  (expected|received|fix): ", message, flags=re.MULTILINE)
    what, *rest = re.split(r"^  (?:expected|received|fix): ", message, flags=re.MULTILINE)
    return {"what": what, **dict(zip(names, rest, strict=True))}


def assert_told(error: str, bad: Bad) -> None:
    assert error.startswith("Error: ")
    parts = parts_of(error)
    for name in ("what", "expected", "received", "fix"):
        wanted = getattr(bad, name)
        for words in (wanted,) if isinstance(wanted, str) else wanted or ():
            assert words in parts.get(name, ""), f"{name} of:\n{error}"


def assert_no_defect(*texts: str) -> None:
    for text in texts:
        assert "Traceback" not in text
        assert "report it" not in text
        assert 'File "' not in text


def arguments_of(bad: Bad, folder: Path) -> list[str]:
    spec = folder / bad.spec if bad.spec.endswith(".yaml") else bad.spec
    data = bad.data if "://" in bad.data else folder / bad.data
    return ["run", str(spec), "--data", str(data), "--output", str(folder / bad.output)]


def make_output(folder: Path) -> None:
    """Makes an output folder with what an earlier run may have left; nothing where none can be."""
    if (
        not (folder.parent.is_dir() and os.access(folder.parent, os.W_OK))
        or os.path.exists(folder)
        or len(folder.name) > 255
    ):
        return
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "earlier.log").write_text("earlier")
    (folder / "report.html").write_text("<html></html>")
    for path in (folder / "logs" / "earlier.log", folder / "report.html", folder / "logs", folder):
        os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
@pytest.mark.parametrize("name", CASES)
def test_run(name, existing, tmp_path, capfd):
    bad = CASES[name](tmp_path)
    if existing:
        make_output(tmp_path / bad.output)
    before = state_of(tmp_path)
    code = main(arguments_of(bad, tmp_path))
    out, err = capfd.readouterr()
    assert code == 2, err
    assert_told(err, bad)
    assert_no_defect(out, err)
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("name", ["truncated", "sequence_stored_as_integers", "unknown_key_in_the_spec"])
def test_run_as_a_process_of_its_own(name, tmp_path, command):
    bad = CASES[name](tmp_path)
    before = state_of(tmp_path)
    done = command(*arguments_of(bad, tmp_path))
    assert done.returncode == 2, done.stderr
    assert_told(done.stderr, bad)
    assert_no_defect(done.stdout, done.stderr)
    # Nothing but our own lines, whatever the stack has to say.
    assert len(done.stdout.splitlines()) <= 1
    assert len(done.stderr.splitlines()) <= 5
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("name", ["no_such_data_folder", "corrupt_payload", "label_missing_in_some_records"])
def test_check_says_the_same(name, tmp_path, capfd):
    bad = CASES[name](tmp_path)
    before = state_of(tmp_path)
    assert main(["check", *arguments_of(bad, tmp_path)[1:4]]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert_told(err, bad)
    assert_no_defect(err)
    assert state_of(tmp_path) == before


def test_sequences_of_length_zero_are_legal(tmp_path, capfd):
    spec_in(tmp_path)
    data_in(tmp_path, [*good(10), record(10, pitch=[], token=[]), record(11, pitch=None, token=None)])
    before = state_of(tmp_path)
    assert main(["check", str(tmp_path / "spec.yaml"), "--data", str(tmp_path / "data")]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    rows = [line.replace("│", " ").split() for line in out.splitlines()]
    assert ["train", "1", "12", "25", "0", "2.1", "3", "2"] in rows
    assert "The 2 classes of 'kind' in train: noun (6), verb (6)." in out
    assert "The records match the spec." in out
    assert "Taken from train" not in out
    assert state_of(tmp_path) == before


def test_check_shows_what_a_run_holds_back(tmp_path, capfd):
    spec_in(tmp_path)
    write_records(tmp_path / "data" / "train.tfrecord", good(100))
    assert main(["check", str(tmp_path / "spec.yaml"), "--data", str(tmp_path / "data")]) == 0
    out, _ = capfd.readouterr()
    [line] = [line for line in out.splitlines() if line.startswith("Taken from train in a run")]
    assert re.fullmatch(r"[^:]+: [1-9]\d? for valid, [1-9]\d? for test\.", line)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "spec.yaml", "--output", "out"], "--data"),
        (["run", "spec.yaml", "--data", "data"], "--output"),
        (["run", "--data", "data", "--output", "out"], "SPEC"),
        (["run", "spec.yaml", "--data", "data", "--output", "out", "--epochs", "3"], "--epochs"),
        (["check", "spec.yaml"], "--data"),
        (["predict", "model"], "DATA"),
        (["predict", "model", "data", "--limit", "many"], "--limit"),
        (["demo", "somewhere"], "somewhere"),
    ],
)
def test_wrong_usage(arguments, said, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "Usage: tfx-sequences" in err
    assert said in err
    assert_no_defect(err)
    assert os.listdir(tmp_path) == []


# -- predictions


def pushed_model(folder: Path, **changes: Any) -> Path:
    """An exported model as `run` pushes one, its network a sum: records in, scores out, a card beside it."""
    spec = SequenceSpec.model_validate({**copy.deepcopy(SPEC), **changes})

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def predict(self, examples):
            parsed = parse_records(examples, spec, with_label=False)
            pitch = parsed["sequence.pitch"]
            total = parsed["age"] + tf.reduce_sum(pitch, axis=list(range(1, pitch.shape.rank)))
            classes = tf.tile(tf.constant([["noun", "verb"]]), [tf.shape(examples)[0], 1])
            return {
                "scores": tf.nn.softmax(tf.stack([total, tf.zeros_like(total)], axis=1)),
                "classes": classes,
                "predicted_class": classes[:, 0],
            }

    model = Model()
    version = folder / "model" / "pushed_model" / "1"
    tf.saved_model.save(model, str(version), signatures={"serving_default": model.predict})
    card = {"spec": json.loads(spec_to_json(spec)), "classes": ["noun", "verb"], "fingerprint": ""}
    (version / "tfx_sequences.json").write_text(json.dumps(card))
    return folder / "model"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return pushed_model(tmp_path_factory.mktemp("sequence_examples"))


@pytest.fixture(scope="module")
def example_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    return pushed_model(folder, record="Example", context={"age": NUMBER}, sequence={"pitch": NUMBER})


def flat(index: int, **changes: Any) -> tf.train.Example:
    return example({"id": f"r{index}", "age": 1.0, "pitch": [1.0, 2.0], **changes})


def unlabelled(count: int = 600) -> list[tf.train.SequenceExample]:
    return good(count, context={"kind": None})


def predict(*arguments: Any) -> int:
    return main(["predict", *map(str, arguments)])


def test_predictions_of_unlabelled_records(model, tmp_path, capfd):
    records = write_records(tmp_path / "new.tfrecord", [*unlabelled(), record(600, {"kind": None}, pitch=[], token=[])])
    assert predict(model, records, "-o", tmp_path / "out.jsonl") == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"601 predictions written to {tmp_path / 'out.jsonl'}.\n")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"r{i}" for i in range(601)]
    # 3 + (0 + 0.5 + 1) against 0.
    assert rows[3]["scores"]["noun"] == pytest.approx(1 / (1 + math.exp(-4.5)), abs=1e-6)


PREDICT_CASES = {
    "no_such_model": ("nowhere", "new.tfrecord", "There is no model of tfx-sequences in", "no such folder"),
    "folder_without_a_model": ("data", "new.tfrecord", "There is no model of tfx-sequences in", "without a model"),
    "foreign_model": ("foreign", "new.tfrecord", "There is no model of tfx-sequences in", "did not export"),
    "damaged_card": ("damaged", "new.tfrecord", "The card of the model in", "JSONDecodeError"),
    "card_of_another_version": ("other", "new.tfrecord", "The card of the model in", "Unknown key 'bidirectional'"),
    "name_too_long": ("x" * 300, "new.tfrecord", "The model cannot be used: File name too long.", "xxx"),
    "no_such_data": ("model", "nowhere", "There are no records in", "no such file or folder"),
    "folder_without_records": ("model", "data", "There are no records in", "without such files"),
}


@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("name", PREDICT_CASES)
def test_predict_without_model_or_data(name, to_file, model, tmp_path, capfd):
    which, records, what, received = PREDICT_CASES[name]
    (tmp_path / "data").mkdir()
    write_records(tmp_path / "new.tfrecord", unlabelled(3))
    for copied in ("model", "damaged", "other"):
        shutil.copytree(model, tmp_path / copied)
    shutil.copytree(model / "pushed_model" / "1", tmp_path / "foreign")
    (tmp_path / "foreign" / "tfx_sequences.json").unlink()
    card = "pushed_model/1/tfx_sequences.json"
    (tmp_path / "damaged" / card).write_text("{")
    other = json.loads((tmp_path / "other" / card).read_text())
    other["spec"] = {**other["spec"], "bidirectional": True}
    (tmp_path / "other" / card).write_text(json.dumps(other))
    before = state_of(tmp_path)
    out_file = ["-o", tmp_path / "out.jsonl"] if to_file else []
    assert predict(tmp_path / which, tmp_path / records, *out_file) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert_told(err, Bad(what, "", received, ""))
    assert {"expected", "fix"} <= set(parts_of(err))
    assert_no_defect(err)
    assert state_of(tmp_path) == before


def junk_late(records: list[Any]) -> list[Any]:
    return [*records[:500], b"\xff\xfe no protocol buffer", *records[500:]]


RECORD_CASES = {
    "examples": (lambda: [flat(0, token="x")], "contains tf.Example records, not tf.SequenceExample."),
    "missing_feature": (lambda: good(5, pitch=None), "No record has sequence.pitch."),
    "another_dtype": (lambda: good(5, pitch=["a"]), "sequence.pitch has a different dtype"),
    "junk": (lambda: [b"\xff\xfe no protocol buffer"], "record 0 of {file} does not contain features."),
    "junk_late": (lambda: junk_late(unlabelled()), "Record 500 of {file} cannot be predicted."),
    "another_dtype_late": (
        lambda: [*unlabelled(500), record(7, pitch=["a", "b"])],
        "Record 500 ('r7') of {file} cannot be predicted.",
    ),
    "required_feature_missing_late": (
        lambda: [*unlabelled(500), record(7, {"age": None})],
        "Record 500 ('r7') of {file} cannot be predicted.",
    ),
    "id_of_another_dtype_late": (
        lambda: [*unlabelled(500), record(7, {"id": 7})],
        "Record 500 of {file} cannot be predicted.",
    ),
}


@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
@pytest.mark.parametrize("name", RECORD_CASES)
def test_predict_bad_records(name, existing, model, tmp_path, capfd):
    records, what = RECORD_CASES[name]
    file = write_records(tmp_path / "new.tfrecord", records())
    if existing:
        (tmp_path / "out.jsonl").write_text("earlier\n")
    before = state_of(tmp_path)
    assert predict(model, file, "-o", tmp_path / "out.jsonl") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert_told(err, Bad(what.format(file=file)))
    assert {"expected", "received", "fix"} <= set(parts_of(err))
    assert_no_defect(err)
    assert_no_graph_talk(err)
    after = state_of(tmp_path)
    # A late error comes while a hidden file beside the output is written: the folder's own time changes.
    del before[str(tmp_path)], after[str(tmp_path)]
    assert after == before


def assert_no_graph_talk(error: str) -> None:
    for words in ("Graph execution error", "node", "[[", "<unknown>, ", "__inference"):
        assert words not in error


@pytest.mark.parametrize(
    ("records", "what"),
    [
        (lambda: good(5), "contains tf.SequenceExample records, not tf.Example."),
        (lambda: junk_late([flat(i) for i in range(600)]), "Record 500 of {file} cannot be predicted."),
        (lambda: [*map(flat, range(500)), flat(7, pitch="a")], "Record 500 ('r7') of {file} cannot be predicted."),
    ],
    ids=["sequence_examples", "junk_late", "another_dtype_late"],
)
def test_predict_bad_examples(records, what, example_model, tmp_path, capfd):
    file = write_records(tmp_path / "new.tfrecord.gz", records())
    assert predict(example_model, file, "-o", tmp_path / "out.jsonl") == 2
    assert_told(capfd.readouterr().err, Bad(what.format(file=file)))
    assert os.listdir(tmp_path) == ["new.tfrecord.gz"]


@pytest.mark.parametrize("limited", [False, True])
def test_predict_corrupt_record_late_in_the_second_file(limited, model, tmp_path, capfd):
    write_records(tmp_path / "data" / "a.tfrecord", unlabelled(5))
    file = write_records(tmp_path / "data" / "b.tfrecord", unlabelled())
    at = framed(unlabelled(590))
    flip(file, at + 20)
    limit = ["--limit", "100"] if limited else []
    assert predict(model, tmp_path / "data", "-o", tmp_path / "out.jsonl", *limit) == 2
    bad = Bad(f"{file} is corrupt.", "a matching checksum", f"payload of record 590, at byte {at},", "again")
    assert_told(capfd.readouterr().err, bad)
    assert os.listdir(tmp_path) == ["data"]
    # To the screen too nothing is written, unless what is wanted lies before the fault.
    assert predict(model, tmp_path / "data", *limit) == 2
    assert capfd.readouterr().out.count("\n") == (5 if limited else 0)
    assert predict(model, tmp_path / "data", "--limit", "5") == 0
    assert capfd.readouterr().out.count("\n") == 5


@pytest.mark.parametrize(
    ("output", "what"), [("nowhere/out.jsonl", "cannot be written"), ("data", "is a folder"), ("x" * 300, "too long")]
)
def test_predict_to_where_no_file_can_be(output, what, model, tmp_path, capfd):
    write_records(tmp_path / "data" / "new.tfrecord", unlabelled(3))
    before = state_of(tmp_path)
    assert predict(model, tmp_path / "data", "-o", tmp_path / output) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert_told(err, Bad(what))
    assert state_of(tmp_path) == before
