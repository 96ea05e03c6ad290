"""Records whose keys hold any characters: their vocabularies, the network, the exported model, its inputs and card."""

from __future__ import annotations

import re

import numpy as np
import pytest
import tensorflow as tf

from tests.everything import analyzed, exported
from tests.records import sequence_example
from tfx_sequences.components.network.named_weights import read_weights, write_weights
from tfx_sequences.components.serving.model_card import read_card
from tfx_sequences.schemas.columns.internal_names import internal_name
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

KEYS = (
    *("image/speed", "a b", "a.b", "a_b", "x[0]", "k:1", "gr\u00f6\u00dfe \u65e5\u672c", "%s {}", "tab\tnew\nline"),
    *("'\"\\", "$x", "-", "sequence.q", "context.z", "\U0001f600", "q" * 300),
)
RECORDS = 30

pytestmark = pytest.mark.slow


def columns(text_first: bool):
    kinds = ("categorical", "numeric") if text_first else ("numeric", "categorical")
    return {key: {"type": kinds[index % 2]} for index, key in enumerate(KEYS)}


def odd_spec():
    return SequenceSpec.model_validate(
        {
            "name": "odd",
            "id_key": "context.id/\u00e9",
            "example_weight": "sequence.weight",
            "context": {**columns(False), "a.b": {"type": "categorical"}, "a_b": {"type": "categorical"}},
            "sequence": columns(True),
            "label": {"key": "clip/label/string"},
            "batching": {"padding": {"image/speed": {"side": "left"}}},
            "model": {"units": (4,)},
        }
    )


def odd_records():
    found = []
    for number in range(RECORDS):
        steps = number % 5 + 1
        context = {
            "context.id/\u00e9": f"r{number}",
            "sequence.weight": 1.0 + number % 2,
            "clip/label/string": "ab"[number % 2],
            **{key: f"t{number % 3}" if i % 2 else float(number) for i, key in enumerate(KEYS)},
            "a.b": f"dot{number % 4}",
            "a_b": f"line{number % 5}",
        }
        found.append(
            (
                context,
                {
                    key: [float(t * number) if i % 2 else f"w{t % 3}" for t in range(steps)]
                    for i, key in enumerate(KEYS)
                },
            )
        )
    return found


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    of = analyzed(odd_spec(), odd_records(), folder)
    raw, model = exported(of, folder / "model")
    return of, raw, model


def terms_of(model, card, column):
    return set((model / "assets" / card["names"][column]["vocabulary"]).read_text("utf-8").split())


def test_columns_whose_names_are_alike_have_vocabularies_of_their_own(odd):
    _, _, model = odd
    card = read_card(model)
    assert terms_of(model, card, "context.a.b") == {"dot0", "dot1", "dot2", "dot3"}
    assert terms_of(model, card, "context.a_b") == {f"line{n}" for n in range(5)}


def test_the_card_lists_the_names_inside(odd):
    of, raw, model = odd
    names = read_card(model)["names"]
    assert {name: its["key"] for name, its in names.items()} == {name: c.key for name, c in of.spec.columns.items()}
    of_network = {layer.name for layer in raw._model.layers}
    assert {its["input"] for its in names.values()} <= of_network
    files = [its["vocabulary"] for its in names.values() if "vocabulary" in its]
    assert len(set(files)) == len(files) == 17
    assert names["sequence.image/speed"]["input"] == internal_name("sequence.image/speed")


def test_inputs_of_requests_are_identifiers_of_their_own(odd):
    of, _, model = odd
    inputs = read_card(model)["inputs"]
    assert len(inputs) == len(of.spec.columns)
    assert all(re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII) for name in inputs)


def test_records_and_tensors_are_answered_alike_by_the_saved_model(odd):
    of, raw, model = odd
    loaded = tf.saved_model.load(str(model))
    records = of.serialized
    expected = raw.predict(tf.constant(records))["scores"]
    served = loaded.signatures["serving_default"](examples=tf.constant(records))["scores"]
    np.testing.assert_array_equal(served, expected)
    tensors = make_tensors_of(of)
    np.testing.assert_allclose(loaded.signatures["serving_tensors"](**tensors)["scores"], expected, atol=1e-6)
    # The answer depends on features of every kind of name, so none is left out.
    context, lists = of.records[4]
    for key in KEYS:
        changed = {k: [9.0 if isinstance(v[0], float) else "w1"] * len(v) if k == key else v for k, v in lists.items()}
        other = raw.predict(tf.constant([sequence_example(context, changed).SerializeToString()]))["scores"]
        assert np.abs(other[0] - expected[4]).max() > 1e-7, key


def make_tensors_of(of):
    """The tensors of the signature, made by hand from the records."""
    from tfx_sequences.schemas.features.request_inputs import request_inputs

    longest = 5
    tensors = {"sequence_length": tf.constant([len(lists["a b"]) for _, lists in of.records], tf.int64)}
    for name, given in request_inputs(of.spec).items():
        feature = given.feature
        if feature.is_sequence:
            filler = "" if feature.dtype == "string" else 0.0
            rows = [lists[feature.key] + [filler] * (longest - len(lists[feature.key])) for _, lists in of.records]
        else:
            rows = [context[feature.key] for context, _ in of.records]
        tensors[name] = tf.constant(rows)
    return tensors


def test_weights_are_kept_by_name(odd, tmp_path):
    _, raw, _ = odd
    write_weights(str(tmp_path), raw._model, {})
    kept = read_weights(str(tmp_path))
    assert kept is not None
    assert "tables/sequence.image/speed_embedding" in kept.arrays
    raw._model.save_weights(tmp_path / "all.weights.h5")
    raw._model.load_weights(tmp_path / "all.weights.h5")
