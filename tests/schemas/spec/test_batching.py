"""The section `batching`: what is refused, and with which words."""

import pydantic
import pytest

from tfx_sequences.schemas.spec.batching import Batching


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"bucket_boundaries": (5, 5)}, "must be increasing"),
        ({"bucket_boundaries": (9, 5)}, "must be increasing"),
        ({"bucket_batch_sizes": (4, 4)}, "needs bucket_boundaries"),
        ({"bucket_boundaries": (5, 9), "bucket_batch_sizes": (4, 4)}, "expected 3, received 2"),
        ({"drop_shorter_than": 5, "drop_longer_than": 4}, "no sequence would remain"),
        ({"batch_size": 0}, "greater than 0"),
        ({"truncate": "middle"}, "'tail', 'head' or 'random'"),
        ({"padding": {"x": {"side": "top"}}}, "'right' or 'left'"),
    ],
)
def test_what_does_not_fit_is_refused(fields, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        Batching(**fields)


def test_a_length_that_is_the_shortest_and_the_longest_is_allowed():
    assert Batching(drop_shorter_than=5, drop_longer_than=5).drop_longer_than == 5


def test_lists_are_taken_where_python_callers_have_them():
    assert Batching(bucket_boundaries=[5, 9], bucket_batch_sizes=[3, 2, 1]).bucket_batch_sizes == (3, 2, 1)
