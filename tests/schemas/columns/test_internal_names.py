"""Names for TensorFlow, Keras and files."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tfx_sequences.schemas.columns.internal_names import file_name, internal_name

# Keys as records have them: any text; and texts that are alike.
KEYS = st.one_of(st.text(min_size=1), st.text("ab._-/ \u00e9", min_size=1, max_size=5))


@given(st.lists(KEYS, min_size=2, max_size=30, unique=True))
def test_names_of_different_keys_differ_and_are_plain(keys):
    for named in (internal_name, file_name):
        names = [named(f"{section}.{key}") for key in keys for section in ("context", "sequence")]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name) and len(name) <= 132 for name in names)
        # Again, and whatever name comes before.
        assert [named(f"{section}.{key}") for key in keys for section in ("context", "sequence")] == names


@given(KEYS)
def test_a_derived_name_is_never_that_of_another_key(key):
    name = internal_name(key)
    assert name == key or internal_name(name) != name
    # The one that has this name as its key.
    assert name == key or file_name(f"sequence.{name}") != file_name(f"sequence.{key}")


def test_names_that_were_plain_always_stay():
    for name in ("sequence.lpc", "context.home_brand", "label.slot", "brand", "sequence.x-y"):
        assert internal_name(name) == name
    assert file_name("label.slot") == "label_slot"
