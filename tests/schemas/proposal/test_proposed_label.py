"""Which features are labels, what their heads are called, and what is said where names do not tell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.proposal.proposed_label import find_labels, forecast_target, head_names
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature


def of_record(key, dtype="string", shape=()):
    return SchemaFeature(key, False, dtype, shape)


def of_steps(key, dtype="string", shape=()):
    return SchemaFeature(key, True, dtype, shape)


@pytest.mark.parametrize(
    ("features", "label"),
    [
        ([of_record("clip/label/string"), of_record("clip/start"), of_steps("x/label/string")], "clip/label/string"),
        ([of_record("clip/label/string"), of_record("clip/label/index", "int64")], "clip/label/string"),
        ([of_record("example/label"), of_record("label_time")], "example/label"),
        ([of_record("labels", "int64", None), of_steps("rgb")], "labels"),
        ([of_record("isTarget"), of_record("a")], "isTarget"),
        ([of_record("a"), of_steps("word"), of_steps("ner_tags")], "ner_tags"),
        ([of_record("future", "float32", (6,)), of_steps("value", "float32")], "future"),
    ],
)
def test_names_tell_the_label(features, label):
    notes = []
    [found] = find_labels(features, (), notes, taken=())
    assert found.key == label
    assert notes[0].text.startswith("guessed: ")


def test_candidates_are_options_to_copy():
    features = [of_record("a b"), of_record("kind"), of_steps("then")]
    with pytest.raises(SpecError) as caught:
        find_labels(features, (), [], taken=())
    assert re.findall(r"--label (.*)", str(caught.value)) == ["'a b'", "kind", "then  (of steps)"]


def test_a_forecast_needs_one_numeric_sequence():
    future = of_record("future", "float32", (6,))
    one, two = of_steps("value", "float32"), of_steps("other", "float32")
    assert forecast_target(future, [future, one, of_steps("day", "int64")]) is one
    assert forecast_target(future, [future, one, two]) is None
    assert forecast_target(of_record("y", "float32"), [one]) is None


@given(st.lists(st.text(), min_size=1, max_size=6))
def test_names_of_heads_are_identifiers_of_their_own(keys):
    names = head_names(keys)
    assert len(set(names)) == len(keys)
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) and name != "id" for name in names)
