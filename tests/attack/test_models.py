"""Damaged models are refused with the name of what is damaged, or they answer as before."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tests.attack.small_models import exported, good_records
from tfx_sequences.components.network.named_weights import WEIGHTS, read_weights
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.model_card import MODEL_CARD, find_model, read_card
from tfx_sequences.errors import TfxSequencesError, UserInputError

MODELS = 600
RECORDS = 5
_EXTRA = "assets.extra"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return exported("SequenceExample", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """A model of another spec."""
    return exported("Example", tmp_path_factory.mktemp("other"))


def files_of(folder):
    return sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())


def flipped(file, random, other):
    data = bytearray(file.read_bytes())
    data[int(random.integers(len(data)))] ^= 1 << int(random.integers(8))
    file.write_bytes(data)


def cut(file, random, other):
    file.write_bytes(file.read_bytes()[: int(random.integers(file.stat().st_size))])


def cut_out(file, random, other):
    data = file.read_bytes()
    a, b = sorted(random.integers(0, len(data) + 1, 2))
    file.write_bytes(data[:a] + data[b:] if a < b else data[1:])


def zeroed(file, random, other):
    file.write_bytes(bytes(file.stat().st_size))


def longer(file, random, other):
    file.write_bytes(file.read_bytes() + random.bytes(int(random.integers(1, 50))))


def missing(file, random, other):
    file.unlink()


def folder_in_its_place(file, random, other):
    file.unlink()
    file.mkdir()


def dangling_link(file, random, other):
    file.unlink()
    file.symlink_to("nowhere")


def of_another_model(file, random, other):
    if other.is_file() and other.read_bytes() != file.read_bytes():
        shutil.copyfile(other, file)
    else:
        file.unlink()


DAMAGES = (flipped, cut, cut_out, zeroed, longer, missing, folder_in_its_place, dangling_link, of_another_model)


def edited(card, random):
    """A card in which one value is another one, or is gone."""
    holder, key = card, None
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = keys[int(random.integers(len(keys)))]
        if not isinstance(holder[key], dict | list) or not holder[key]:
            break
        holder = holder[key]
    if random.integers(2):
        holder[key] = [None, "other", 7, {}, []][int(random.integers(5))] if holder[key] != "other" else "another"
    else:
        del holder[key]
    return card


def test_a_damaged_file_is_named_or_does_no_harm(model, other_model, rounds, tally, tmp_path):
    files, copy = files_of(model), tmp_path / "m"
    for random in rounds(1):
        for number in range(MODELS // 2):
            place = files[number % len(files)]
            damage = DAMAGES[(number // len(files)) % len(DAMAGES)]
            shutil.copytree(model, copy / "7")
            damage(copy / "7" / place, random, other_model / place)
            try:
                read_card(find_model(copy))
            except UserInputError as error:
                assert error.received and error.fix
                tally.add("models", "refused")
            else:
                # Only white space at the end of the digest or the card changes nothing.
                assert damage is longer or place.parts[0] == _EXTRA, (damage.__name__, place)
                tally.add("models", "answered")
            shutil.rmtree(copy)


def test_an_edited_card_is_refused_whatever_is_deleted(model, rounds, tally, tmp_path):
    copy = tmp_path / "m" / "7"
    for random in rounds(1):
        for _ in range(MODELS // 2):
            shutil.copytree(model, copy)
            before = (copy / MODEL_CARD).read_text()
            card = edited(json.loads(before), random)
            while card == json.loads(before):
                card = edited(card, random)
            for place in (MODEL_CARD, f"{_EXTRA}/{MODEL_CARD}")[: int(random.integers(1, 3))]:
                (copy / place).write_text(json.dumps(card))
            if random.integers(2):
                (copy / _EXTRA / MODEL_CARD).unlink(missing_ok=True)
            with pytest.raises(UserInputError) as caught:
                read_card(copy)
            assert caught.value.received and caught.value.fix
            tally.add("models", "refused")
            shutil.rmtree(copy.parent)


def test_a_saved_model_that_does_not_load_is_not_our_bug(model, other_model, rounds, tally, tmp_path):
    """Cards of earlier versions have no digests, so TensorFlow finds the damage, or nobody does."""
    copy = tmp_path / "m" / "7"
    records = np.array(good_records("SequenceExample")[:RECORDS], object)
    alone = load_model(model).run("serving_default", {"examples": records})
    for random in rounds(1):
        for number in range(9):
            shutil.copytree(model, copy)
            card = json.loads((copy / MODEL_CARD).read_text())
            for key in ("model_files", "saved_model_checksum"):
                del card[key]
            (copy / MODEL_CARD).write_text(json.dumps(card))
            shutil.rmtree(copy / _EXTRA)
            place = [p for p in files_of(copy) if p.parts[0] in ("saved_model.pb", "variables", "assets")]
            place = place[number % len(place)]
            DAMAGES[number % len(DAMAGES)](copy / place, random, other_model / place)
            try:
                loaded = load_model(copy)
                answers = loaded.run("serving_default", {"examples": records})
                assert answers.keys() == alone.keys()
                tally.add("models", "answered")
            except TfxSequencesError as error:
                assert str(copy.parent) in str(error) or "model" in str(error)
                tally.add("models", "refused")
            shutil.rmtree(copy.parent)


def test_named_weights_that_are_damaged_are_refused(model, rounds, tally, tmp_path):
    import keras

    from tfx_sequences.components.network.named_weights import write_weights
    from tfx_sequences.components.training.warm_start import warm_start

    copy = tmp_path / "m" / "7"
    shutil.copytree(model, copy)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="dense")])
    write_weights(str(copy), network, {})
    whole = (copy / WEIGHTS).read_bytes()
    before = [array.copy() for array in read_weights(str(copy)).arrays.values()]
    for random in rounds(1):
        for number in range(60):
            (copy / WEIGHTS).write_bytes(whole)
            (flipped, cut, cut_out, zeroed, longer)[number % 5](copy / WEIGHTS, random, None)
            try:
                warm_start(network, {}, str(copy))
            except UserInputError as error:
                assert "damaged" in str(error) or "no weights that match" in str(error)
                tally.add("models", "refused")
            else:
                for array, weight in zip(before, network.get_weights(), strict=True):
                    assert np.array_equal(array, weight)
                tally.add("models", "answered")
