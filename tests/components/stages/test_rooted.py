"""Folders relative to a root of the run."""

import pytest

from tfx_sequences.components.stages.rooted import rooted


@pytest.mark.parametrize(
    ("root", "folder", "expected"),
    [
        ("gs://bucket/run", "pushed", "gs://bucket/run/pushed"),
        ("gs://bucket/run/", "pushed", "gs://bucket/run/pushed"),
        ("/out", "/elsewhere/pushed", "/elsewhere/pushed"),
        ("gs://bucket/run", "s3://other/pushed", "s3://other/pushed"),
        (None, "pushed", "pushed"),
        ("", "pushed", "pushed"),
    ],
)
def test_only_a_relative_folder_is_joined_to_the_root(root, folder, expected):
    assert rooted(root, folder) == expected
