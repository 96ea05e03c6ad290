"""The class for all classes that training did not see."""

import pytest

from tfx_sequences.schemas.kinds.unseen import UNSEEN, with_unseen


@pytest.mark.parametrize(
    ("classes", "last"),
    [
        (("a", "b"), UNSEEN),
        (("O", "B-city", "I-city"), "I-<unseen>"),
        (("B-city",), "I-<unseen>"),
        # Classes that only look like tags in part, and tags without a beginning or inside.
        (("O", "B-city", "other"), UNSEEN),
        (("O", "S-city"), UNSEEN),
        ((), UNSEEN),
    ],
)
def test_span_tags_get_a_tag(classes, last):
    assert with_unseen(classes) == (*classes, last)
