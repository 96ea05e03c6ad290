"""Which keys are called as groups and ids are."""

from __future__ import annotations

import pytest

from tfx_sequences.schemas.columns.group_names import is_group_name, is_id_name


@pytest.mark.parametrize(
    "key", ["user_id", "userId", "UserID", "user", "patient/id", "subject-no", "x/speaker", "CustomerNumber"]
)
def test_groups(key):
    assert is_group_name(key) == (key != "patient/id")


@pytest.mark.parametrize("key", ["user_age", "id", "country", "session_length", "users_online", ""])
def test_what_is_not_a_group(key):
    assert not is_group_name(key)


@pytest.mark.parametrize(("key", "is_id"), [("id", 1), ("example/id", 1), ("clipId", 1), ("grid", 0), ("idea", 0)])
def test_ids(key, is_id):
    assert is_id_name(key) == bool(is_id)
