"""A proposal as a file: its notes are comments, and nothing else is."""

from tfx_sequences.schemas.proposal.proposal import Note, Proposal
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

SPEC = SequenceSpec(name="s", sequence={"price": {"type": "numeric"}}, label={"key": "y"})


def test_a_note_is_a_comment_above_its_line_with_the_same_indent():
    text = Proposal(SPEC, (Note("sequence.price", "integers"), Note("label", "guessed"))).to_yaml(origin="a file")
    lines = text.splitlines()
    assert lines[0] == "# Proposed from a file. Review it: comments mark what was guessed."
    assert lines[lines.index("  # Integers.") + 1].startswith("  price:")
    assert lines[lines.index("# Guessed.") + 1].startswith("label:")
    assert spec_from_yaml(text) == SPEC


def test_notes_without_a_line_and_features_left_out_are_in_the_head():
    proposal = Proposal(SPEC, (Note("record", "flat lists"),), (Note("sequence.off", "its type is STRUCT"),))
    head = [line for line in proposal.to_yaml().splitlines() if line.startswith("#")]
    assert head[1:] == ["# record: flat lists.", "# Not in the spec:", "#   sequence.off: its type is STRUCT."]


def test_long_notes_are_wrapped_and_words_are_kept_whole():
    words = " ".join(["word"] * 60)
    lines = Proposal(SPEC, (), (Note("x", f"{words} {'y' * 120}"),)).to_yaml().splitlines()
    wrapped = [line for line in lines if "word" in line]
    assert len(wrapped) > 2 and all(len(line) <= 100 for line in wrapped)
    assert wrapped[1].startswith("#     word")
    assert any(line.endswith("y" * 120 + ".") for line in lines)


def test_no_key_or_origin_breaks_out_of_its_comment():
    evil = "x\ny: 1\u2028z: 2\x85w"
    spec = SequenceSpec(name="evil", sequence={evil: {"type": "numeric"}}, label={"key": "y"})
    notes = (Note(f"sequence.{evil}", "a\nb: 1"), Note("nowhere\nelse: 2", "c\r\nd\u2028e: 3\x85f: 4"))
    text = Proposal(spec, notes, (Note(evil, evil),)).to_yaml(origin="some\nfile: 3")
    assert spec_from_yaml(text) == spec
