"""A model is used as what it is: its card, and the guard against a changed spec."""

import json
import shutil

import pytest

from tests.everything import everything_spec
from tests.records import write_records
from tfx_sequences import __version__
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.model_card import check_model, digest_of_transform, read_card, write_card
from tfx_sequences.errors import SpecError, UserInputError
from tfx_sequences.pipeline.commands.cli import main
from tfx_sequences.schemas.spec.spec_io import fingerprint, spec_to_yaml


@pytest.fixture
def copy(exported_everything, tmp_path):
    return shutil.copytree(exported_everything[1], tmp_path / "model" / "7")


def changed_spec(**fields):
    spec = everything_spec()
    column = spec.sequence["url"].model_copy(update=fields)
    return spec.model_copy(update={"sequence": {**spec.sequence, "url": column}})


def test_the_card_says_what_the_model_was_made_of(everything, exported_everything):
    card = read_card(exported_everything[1])
    assert card["fingerprint"] == fingerprint(everything.spec)
    assert card["transform"] == digest_of_transform(exported_everything[0].transform_dir)
    assert card["transform"]["vocabularies"]["vocabulary_sequence_token"]["terms"] == 3
    assert {name: its["normalizer"] for name, its in card["normalizers"].items()} == {
        "context.age": "z_score",
        "sequence.lpc": "z_score",
        "sequence.pulse": "z_score",
    }
    assert card["inputs"]["lpc"] == {
        "feature": "sequence.lpc",
        "dtype": "float32",
        "shape": [None, None, 3],
        "missing": "NaN",
        "required": False,
    }
    assert [name for name, given in card["inputs"].items() if given["required"]] == ["place"]


def test_a_model_is_loaded_with_the_spec_it_was_trained_with(exported_everything):
    model = load_model(exported_everything[1].parent, spec=everything_spec(training={"epochs": 77}))
    assert model.version == 7 and model.spec == everything_spec()


def test_a_changed_spec_is_refused_with_the_features_name(exported_everything):
    with pytest.raises(SpecError, match=r"trained with another spec[\s\S]*sequence\.url: hash_bucket_size was 5, is 6"):
        load_model(exported_everything[1], spec=changed_spec(hash_bucket_size=6))
    without_tags = {k: v for k, v in everything_spec().context.items() if k != "tags"}
    with pytest.raises(SpecError, match=r"context\.tags: removed \(categorical\)"):
        check_model(read_card(exported_everything[1]), everything_spec(context=without_tags))


def test_predict_and_serve_refuse_a_changed_spec(exported_everything, everything, tmp_path, capfd):
    file = write_records(tmp_path / "records.tfrecord", everything.serialized)
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(spec_to_yaml(everything_spec()))
    other.write_text(spec_to_yaml(changed_spec(hash_bucket_size=6)))
    model = str(exported_everything[1])
    assert main(["predict", model, str(file), "--spec", str(same)]) == 0
    assert len(capfd.readouterr().out.splitlines()) == len(everything.serialized)
    for words in (["predict", model, str(file)], ["serve", model, "--port", "0"]):
        assert main([*words, "--spec", str(other)]) == 2
        told = capfd.readouterr()
        assert "trained with another spec" in told.err and "sequence.url: hash_bucket_size was 5, is 6" in told.err
        assert not told.out


def test_an_edited_card_is_refused(copy):
    path = copy / "tfx_sequences.json"
    card = json.loads(path.read_text())
    card["spec"]["sequence"]["url"]["hash_bucket_size"] = 6
    path.write_text(json.dumps(card))
    for read in (read_card, load_model):
        with pytest.raises(UserInputError, match=r"does not belong to this model[\s\S]*assets\.extra"):
            read(copy)


def test_a_card_of_another_version_is_told_with_both_versions(copy):
    card = json.loads((copy / "tfx_sequences.json").read_text())
    card |= {"tfx_sequences_version": "9.1", "spec": {**card["spec"], "what_is_to_come": 1}}
    write_card(card, str(copy))
    with pytest.raises(UserInputError) as told:
        load_model(copy)
    assert f"({__version__})" in told.value.expected
    assert told.value.received.startswith("a card of version 9.1: ") and "what_is_to_come" in told.value.received


def test_another_saved_model_under_the_card_of_an_earlier_version_is_refused(copy):
    card = json.loads((copy / "tfx_sequences.json").read_text())
    del card["model_files"]
    write_card(card, str(copy))
    path = copy / "fingerprint.pb"
    data = bytearray(path.read_bytes())
    data[1] ^= 1  # within the checksum, the first of its fields
    path.write_bytes(bytes(data))
    with pytest.raises(UserInputError, match=r"does not belong to this model[\s\S]*with checksum"):
        read_card(copy)


def test_diff_of_specs_and_models(exported_everything, tmp_path, capfd):
    same, other = tmp_path / "same.yaml", tmp_path / "other.yaml"
    same.write_text(spec_to_yaml(everything_spec()))
    other.write_text(spec_to_yaml(changed_spec(hash_bucket_size=6)))
    model = str(exported_everything[1].parent)
    for pair in ((same, model), (model, model), (same, same)):
        assert main(["diff", *map(str, pair)]) == 0
        assert capfd.readouterr().out == "No difference.\n"
    assert main(["diff", model, str(other)]) == 1
    assert capfd.readouterr().out == "! sequence.url: hash_bucket_size was 5, is 6\n"
    assert main(["diff", model, str(tmp_path / "nowhere.yaml")]) == 2
