"""Classes that are not in the training split or in the spec's list: one additional class represents them."""

from __future__ import annotations

from collections.abc import Sequence

UNSEEN = "<unseen>"


def with_unseen(classes: Sequence[str]) -> tuple[str, ...]:
    """The classes, and one class for all others; for span tags, it is a tag with a type of its own.

    >>> with_unseen(["a", "b"]), with_unseen(["O", "B-city", "I-city"])[-1]
    (('a', 'b', '<unseen>'), 'I-<unseen>')
    """
    are_tags = any(c.startswith(("B-", "I-")) for c in classes) and all(c == "O" or c[1:2] == "-" for c in classes)
    return (*classes, f"I-{UNSEEN}" if are_tags else UNSEEN)
