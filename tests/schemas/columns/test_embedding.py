"""Embeddings as declared."""

import pydantic
import pytest

from tfx_sequences.schemas.columns.embedding import Embedding


@pytest.mark.parametrize(("terms", "width"), [(1, 4), (10, 6), (100, 21), (1000, 64), (10**7, 64)])
def test_the_width_follows_the_number_of_terms(terms, width):
    # 1.6 * 100 ** 0.56 is 21.08; 1.6 * 1000 ** 0.56 is 76.6, more than 64.
    assert Embedding().width(terms) == width
    assert Embedding(dimension=7).width(terms) == 7


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"vectors_terms_file": "terms.txt"}, "ends in .npy"),
        ({"vectors_file": "v.txt", "vectors_terms_file": "terms.txt"}, "ends in .npy"),
        ({"dimension": 0}, "greater than 0"),
        ({"combiner": "max"}, "'mean', 'sum' or 'sqrtn'"),
        ({"dropout": 1.0}, "less than 1"),
        ({"max_norm": 0.0}, "greater than 0"),
    ],
)
def test_what_does_not_fit_is_refused(fields, words):
    with pytest.raises(pydantic.ValidationError, match=words):
        Embedding(**fields)
