"""Which features become the steps of a schema without sequence features."""

from __future__ import annotations

from tfx_sequences.schemas.proposal.proposed_bytes import BytesSample
from tfx_sequences.schemas.proposal.proposed_steps import no_steps, steps_of_context
from tfx_sequences.schemas.proposal.schema_features import SchemaFeature, SchemaFeatures


def lists(**sizes):
    return [SchemaFeature(key, False, "float32", (size,) if size else ()) for key, size in sizes.items()]


def steps(features, samples=None):
    notes = []
    _, found = steps_of_context(features, SchemaFeatures("Example", tuple(features), ()), notes, samples)
    return [feature.key for feature in found], " ".join(note.text for note in notes)


def test_most_lists_and_then_the_longest_are_the_steps():
    assert steps(lists(x=10, y=10, z=0))[0] == ["x", "y"]
    assert "all lists have 10 values, treated as steps" in steps(lists(x=10, z=0))[1]
    found, notes = steps(lists(x=10, y=10, later=90))
    assert found == ["x", "y"] and "most lists have 10 values" in notes
    assert steps(lists(x=10, later=90))[0] == ["later"]
    assert steps(lists(z=0)) == ([], "")


def test_only_strings_of_several_words_are_text_where_the_records_are_known():
    strings = [SchemaFeature(key, False, "string", ()) for key in ("name", "note", "picture")]
    words = {
        (False, "name"): BytesSample(9, True, (3, 3)),
        (False, "note"): BytesSample(9, True, (3, 30), has_spaces=True),
        (False, "picture"): BytesSample(9, False, (30, 50)),
    }
    assert steps(strings, words)[0] == ["note"]
    assert steps(strings)[0] == ["name"]
    assert steps(strings[:1], words) == ([], "")


def test_features_with_numbers_are_named_in_their_order():
    read = SchemaFeatures("Example", tuple(SchemaFeature(f"f{n}", False, "string", ()) for n in (10, 2, 1)), ())
    assert "'f1', 'f2', 'f10' are the steps" in str(no_steps(read, ()))
