"""Places of records in messages and names."""

from pathlib import Path

import pytest

from tfx_sequences.components.records.places import named, place, short_place


@pytest.mark.parametrize(("identity", "text"), [("u7", "3 ('u7')"), ("it's", '3 ("it\'s")'), ("", "3"), (None, "3")])
def test_an_id_is_shown_where_there_is_one(identity, text):
    assert named(3, identity) == text
    assert place("ram://data/train", 3, identity) == f"record {text} of ram://data/train"


@pytest.mark.parametrize("path", ["gs://bucket/data/a.gz", Path("data/a.gz"), "a.gz"])
def test_a_short_place_has_the_files_name_only(path):
    assert short_place(path, 17) == "a.gz:17"
