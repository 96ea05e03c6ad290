from importlib import resources
from pathlib import Path

import pytest

from tests.everything import Analyzed, everything_spec, plain_records
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.schema_inference import infer_schema
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, make_parse_sequence_example_spec
from tfx_sequences.schemas.features.tfmd import compare_with_inferred
from tfx_sequences.schemas.proposal.propose import propose_spec
from tfx_sequences.schemas.spec.spec_io import load_spec

BEAM = ["--runner=FnApiRunner"]
BUNDLED = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"


def inferred(folder, records, name="train.tfrecord.gz"):
    return infer_schema([write_records(folder / name, records)], beam_args=BEAM)


def test_the_bundled_records_give_the_bundled_spec():
    proposal = propose_spec(infer_schema(sorted(BUNDLED.glob("train*")), beam_args=BEAM), label="speaker")
    bundled = load_spec("japanese_vowels")
    assert make_parse_sequence_example_spec(proposal.spec) == make_parse_sequence_example_spec(bundled)
    assert proposal.spec.sequence == bundled.sequence
    assert (proposal.spec.id_key, proposal.spec.context) == ("utterance_id", {})
    assert proposal.left_out == ()


def test_records_of_every_kind_of_column_give_columns_that_parse_them(tmp_path):
    expected = everything_spec()
    records = [sequence_example(c, s) for c, s in plain_records()]
    schema = inferred(tmp_path, records)
    proposal = propose_spec(schema, label="kind", example_weight="weight")
    compare_with_inferred(proposal.spec, schema)
    context, sequence = make_parse_sequence_example_spec(proposal.spec)
    expected_context, expected_sequence = make_parse_sequence_example_spec(expected)
    assert sequence == expected_sequence
    # What stands in for a missing number no record tells.
    assert context.pop("age").shape == expected_context.pop("age").shape
    # Nothing in the records says that these numbers are weights of terms.
    del expected_context["interest_weights"]
    assert context == expected_context
    assert proposal.spec.sequence["genres"].multi_valued
    assert proposal.spec.sequence["pair"].shape == (2,)
    assert [str(note).partition(":")[0] for note in proposal.left_out] == ["interest_weights"]


def test_records_that_are_examples_give_lists_as_steps(tmp_path):
    analyzed = Analyzed(everything_spec(), plain_records(), "")
    proposal = propose_spec(inferred(tmp_path, analyzed.serialized_examples, "a.tfrecord"), label="kind")
    assert proposal.spec.record == "Example"
    empty = "no record has a value for it, so its type is unknown."
    assert [str(note) for note in proposal.left_out] == [
        f"{key}: {empty}" for key in ("genres", "topic_weights", "topics")
    ]
    parsed = make_parse_example_spec(proposal.spec)
    expected = make_parse_example_spec(analyzed.spec_of_examples)
    # Of flat lists nothing tells arrays from scalars, or what belongs to no step; a note says so.
    differ = {name for name in parsed.keys() | expected.keys() if parsed.get(name) != expected.get(name)}
    lists = {"tags", "interests", "interest_weights"}
    of_steps = {f"sequence.{key}" for key in ("lpc", "pair", "scaled", *lists)}
    assert differ == {"age", *lists, *of_steps}
    assert any(note.about == "record" for note in proposal.notes)


def test_several_files_are_one_schema(tmp_path):
    files = [
        write_records(tmp_path / f"train-{i}.tfrecord", [sequence_example({key: 1.0}, {"x": [1.0]})])
        for i, key in enumerate("ab")
    ]
    schema = infer_schema(files, beam_args=BEAM)
    assert {f.name for f in schema.feature} == {"a", "b", "##SEQUENCE##"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "no records to infer"),
        ([b"nonsense"], "does not contain features"),
        (
            [sequence_example({"a": 1}, {"x": [1.0]}), sequence_example({"a": 1.0}, {"x": [1.0]})],
            r"'a' is stored with two dtypes[\s\S]*int64, as in record 0[\s\S]*float32 in record 1",
        ),
        (
            [sequence_example({"a": 1}, {"x": [1.0]}), sequence_example({"a": 1}, {"x": ["u"]})],
            "feature list 'x' is stored with two dtypes",
        ),
        ([example({"a": [1]}), example({"a": ["u"]})], "'a' is stored with two dtypes"),
    ],
)
def test_records_that_give_no_schema_are_named(tmp_path, records, message):
    with pytest.raises(DataError, match=message):
        inferred(tmp_path, records)


def test_a_broken_file_and_mixed_kinds_are_named(tmp_path):
    good = write_records(tmp_path / "a.tfrecord", [sequence_example({"a": 1}, {"x": [1.0]})])
    (tmp_path / "b.tfrecord").write_bytes(good.read_bytes()[:-3])
    with pytest.raises(DataError, match=r"b\.tfrecord"):
        infer_schema([good, tmp_path / "b.tfrecord"], beam_args=BEAM)
    other = write_records(tmp_path / "c.tfrecord", [example({"a": 1})])
    with pytest.raises(DataError, match=r"c\.tfrecord does not have feature lists, but .*a\.tfrecord does"):
        infer_schema([good, other], beam_args=BEAM)
