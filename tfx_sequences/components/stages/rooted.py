"""Folders relative to a root that is known only when a pipeline runs."""

from __future__ import annotations

import os


def rooted(root: str | None, folder: str) -> str:
    """The folder, joined to the root if it is relative; either may be a URI.

    >>> rooted("gs://bucket/vowels", "pushed_model"), rooted(None, "/home/me/out"), rooted("gs://b", "gs://other/models")
    ('gs://bucket/vowels/pushed_model', '/home/me/out', 'gs://other/models')
    """
    return folder if not root or "://" in folder else os.path.join(root, folder)
