"""A damaged model is refused by name, whatever file is damaged and however; what nothing reads does no harm."""

import json
import shutil

import pytest

from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.model_card import MODEL_CARD
from tfx_sequences.components.serving.model_files import FILES, digests_of_files
from tfx_sequences.errors import UserInputError

EXTRA = "assets.extra"


@pytest.fixture
def copy(exported_everything, tmp_path):
    return shutil.copytree(exported_everything[1], tmp_path / "model" / "7")


def garbled(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file):
    file.write_bytes(b"")


def longer(file):
    file.write_bytes(file.read_bytes() + b"x")


DAMAGES = [garbled, cut, emptied, longer, lambda file: file.unlink()]
# The rest is what training continues from and what people read.
UNREAD = ("tfx_sequences_weights.npz",)


@pytest.mark.parametrize("damage", DAMAGES, ids=["garbled", "cut", "empty", "longer", "missing"])
def test_damage_of_every_file_is_named(exported_everything, tmp_path, damage):
    whole = exported_everything[1]
    files = [file.relative_to(whole) for file in sorted(whole.rglob("*")) if file.is_file()]
    assert len(files) > 8
    for number, place in enumerate(files):
        if place.name in UNREAD:
            continue
        copy = shutil.copytree(whole, tmp_path / f"{number}" / "7")
        damage(copy / place)
        try:
            load_model(copy)
        except UserInputError as error:
            assert place.name in str(error) or "card" in str(error), (place, str(error))
            assert error.fix
        else:
            # White space at the end of JSON or of a digest does not change it; a missing copy has its own test.
            assert damage is longer or (place.parent.name == EXTRA and place.name == MODEL_CARD), place
        shutil.rmtree(copy)


def test_an_edited_card_without_its_copy_is_refused(copy):
    card = json.loads((copy / MODEL_CARD).read_text())
    card["spec"]["name"] = "other"
    (copy / MODEL_CARD).write_text(json.dumps(card))
    (copy / EXTRA / MODEL_CARD).unlink()
    with pytest.raises(UserInputError, match="does not belong to this model"):
        load_model(copy)


def test_a_card_without_digests_beside_the_digest_of_the_card_is_refused(copy):
    card = json.loads((copy / MODEL_CARD).read_text())
    del card[FILES]
    (copy / MODEL_CARD).write_text(json.dumps(card))
    (copy / EXTRA / MODEL_CARD).unlink()
    with pytest.raises(UserInputError, match="does not belong to this model"):
        load_model(copy)


def test_a_file_too_many_is_named(copy):
    (copy / "assets" / "more.txt").write_text("x")
    with pytest.raises(UserInputError, match=r"files that do not belong to it: 'assets/more\.txt'"):
        load_model(copy)


def test_a_saved_model_that_tensorflow_cannot_load_is_not_our_bug(copy):
    (copy / "saved_model.pb").write_bytes(b"\x0a\xff\xff")
    card = json.loads((copy / MODEL_CARD).read_text())
    del card[FILES], card["saved_model_checksum"]
    (copy / EXTRA / "tfx_sequences_card.sha256").unlink()
    for place in (copy / MODEL_CARD, copy / EXTRA / MODEL_CARD):
        place.write_text(json.dumps(card))
    with pytest.raises(UserInputError, match="TensorFlow cannot load the model"):
        load_model(copy)


def test_digests_are_those_of_the_files_by_another_program(copy):
    import hashlib

    for place, digest in digests_of_files(copy).items():
        assert digest == hashlib.sha256((copy / place).read_bytes()).hexdigest()
