"""`tfx-sequences propose`: from a schema or from records to a spec's file that a check accepts."""

from importlib import resources
from pathlib import Path

import pytest

from tests.components.rows.test_proposed_rows import visits
from tests.everything import everything_spec, plain_records
from tests.numbers import tails_records
from tests.records import sequence_example, write_records
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.schemas.features.tfmd import make_schema, schema_text
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_from_yaml
from tfx_sequences.schemas.spec.splits import Splits

BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"


def run(*arguments):
    return main(["propose", *map(str, arguments)])


@pytest.mark.slow
def test_the_bundled_records_give_a_spec_that_fits_them(command, tmp_path):
    done = command("propose", BUNDLED, "--label", "speaker", "-o", tmp_path / "vowels.yaml")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert done.stderr == f"Spec written to {tmp_path}/vowels.yaml. Guesses to review: 1; features left out: 0.\n"
    spec = load_spec(tmp_path / "vowels.yaml")
    assert (spec.name, spec.id_key, spec.sequence["lpc"].shape) == ("japanese_vowels", "utterance_id", (12,))
    assert command("check", tmp_path / "vowels.yaml", "--data", BUNDLED).returncode == 0


def test_records_of_every_kind_of_column_give_a_spec_that_fits_them(tmp_path, capfd):
    data = tmp_path / "my data"
    write_records(data / "train.tfrecord", [sequence_example(c, s) for c, s in plain_records()])
    assert run(data, "--label", "kind", "--weight", "weight", "-o", tmp_path / "spec.yaml") == 0
    text = (tmp_path / "spec.yaml").read_text("utf-8")
    assert text.startswith(f"# Proposed from {data}")
    assert "# Integers, treated as quantities" in text
    spec = load_spec(tmp_path / "spec.yaml")
    assert (spec.name, spec.example_weight) == ("my_data", "weight")
    assert main(["check", str(tmp_path / "spec.yaml"), "--data", str(data)]) == 0, capfd.readouterr().err


def test_scales_that_differ_from_record_to_record_are_seen_and_so_is_what_does_not_suit_them(tmp_path, capfd):
    data = tmp_path / "tails"
    for split, seed in (("train", 1), ("test", 2)):
        records = [sequence_example(c, s) for c, s in tails_records(40, seed)]
        write_records(data / f"{split}.tfrecord", records)
    assert run(data, "--label", "kind", "-o", tmp_path / "spec.yaml") == 0
    text = (tmp_path / "spec.yaml").read_text("utf-8")
    words = " ".join(text.replace("#", " ").split())
    assert "For these records, auto chooses the normalizer per_record: the scale differs" in words
    assert load_spec(tmp_path / "spec.yaml").sequence["value"].normalizer == "auto"
    assert main(["check", str(tmp_path / "spec.yaml"), "--data", str(data)]) == 0
    assert "Normalizer chosen by auto: sequence.value: per_record (the scale differs" in capfd.readouterr().out
    given = tmp_path / "given.yaml"
    given.write_text(text.replace("type: numeric", "type: numeric, normalizer: z_score"), "utf-8")
    assert main(["check", str(given), "--data", str(data)]) == 0
    printed = capfd.readouterr().out
    assert "sequence.value: the normalizer is z_score, but the scale differs from record to record" in printed
    assert "`normalizer: auto` chooses per_record." in printed


def test_a_schema_file_gives_a_spec_on_standard_output(tmp_path, capfd):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text(schema_text(make_schema(everything_spec())), "utf-8")
    assert run(schema, "--label", "kind", "--id", "id", "--name", "mine") == 0
    printed = capfd.readouterr().out
    spec = spec_from_yaml(printed)
    assert (spec.name, spec.label.key, spec.id_key, spec.example_weight) == ("mine", "kind", "id", "weight")
    assert set(spec.sequence) >= {column.key for column in everything_spec().sequence.values()}


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["part-1.tfrecord"], {"train": "part-*"}),
        (
            ["set-train.tfrecord-00000-of-00001", "set-test.tfrecord-00000-of-00001"],
            {"train": "*train*", "test": "*test*"},
        ),
        (["validate00.tfrecord", "test00.tfrecord"], {"train": "valid*"}),
    ],
)
def test_the_splits_follow_from_names_and_the_check_accepts_them(tmp_path, capfd, names, splits):
    records = [sequence_example({"label": "ab"[i % 2]}, {"x": [1.0 + i, 2.0]}) for i in range(60)]
    for name in names:
        write_records(tmp_path / "data" / name, records)
    assert run(tmp_path / "data", "-o", tmp_path / "spec.yaml") == 0
    assert "# File patterns guessed from the names of the files." in (tmp_path / "spec.yaml").read_text()
    assert load_spec(tmp_path / "spec.yaml").splits.model_dump(exclude_defaults=True) == splits
    assert main(["check", str(tmp_path / "spec.yaml"), "--data", str(tmp_path / "data")]) == 0
    capfd.readouterr()
    assert run(tmp_path / "data" / names[0]) == 0
    assert spec_from_yaml(capfd.readouterr().out).splits == Splits()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "The schema or data does not exist."),
        (["s9://bucket/data"], "does not support the file system of s9://bucket/data"),
        (["schema.pbtxt"], "the candidates 'age', 'kind'"),
        (["schema.pbtxt", "--label", "kin"], "Did you mean 'kind'?"),
        (["schema.pbtxt", "--label", "kind", "--weight", "kind"], "cannot be the weight"),
        (["schema.pbtxt", "--label", "kind", "--name", "1"], "name"),
        (["schema.pbtxt", "--label", "kind", "-o", "no/folder.yaml"], "no folder"),
        (["notes.txt"], "is not the text of a tensorflow_metadata schema"),
        (["binary"], "cannot be read"),
        (["empty"], "No file for the training split"),
        (["broken"], "broken/train.tfrecord"),
        (["data"], "the candidates 'a', 'b'"),
    ],
)
def test_what_the_user_must_mend_is_2_and_nothing_is_written(arguments, message, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    schema = 'feature { name: "%s" type: BYTES }' * 2 % ("age", "kind")
    schema += 'feature { name: "##SEQUENCE##" type: STRUCT struct_domain { feature { name: "x" type: FLOAT } } }'
    Path("schema.pbtxt").write_text(schema)
    Path("notes.txt").write_text("all my notes\n")
    Path("binary").write_bytes(b"\xff\xfe\x00")
    Path("empty").mkdir()
    Path("broken").mkdir()
    Path("broken/train.tfrecord").write_bytes(b"not a TFRecord at all")
    write_records(Path("data/train.tfrecord"), [sequence_example({"a": 1, "b": 2}, {"x": [1.0]})] * 2)
    before = sorted(tmp_path.rglob("*"))
    assert run(*arguments) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert message in printed.err
    assert "Traceback" not in printed.err and "report it" not in printed.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_table_gives_a_spec_that_ingests_it(tmp_path, capfd):
    visits().to_csv(tmp_path / "visits.csv", index=False)
    assert run(tmp_path / "visits.csv", "-o", tmp_path / "spec.yaml") == 0
    spec = load_spec(tmp_path / "spec.yaml")
    assert (spec.name, spec.rows.group_by, spec.label.key) == ("visits", ("user_id",), "label")
    paths = [str(tmp_path / name) for name in ("spec.yaml", "visits.csv", "records")]
    assert main(["ingest", paths[0], "--data", paths[1], "--output", paths[2]]) == 0
    assert main(["check", paths[0], "--data", paths[2]]) == 0
    assert "The records match the spec." in capfd.readouterr().out


def test_columns_of_a_table_can_be_named(tmp_path, capfd):
    visits().rename(columns={"user_id": "who"}).to_json(tmp_path / "v.jsonl", orient="records", lines=True)
    assert run(tmp_path) == 2
    assert "--group who" in capfd.readouterr().err
    assert run(tmp_path, "--group", "who", "--order", "clicks", "-o", tmp_path / "spec.yaml") == 0
    assert load_spec(tmp_path / "spec.yaml").rows.order_by == "clicks"
