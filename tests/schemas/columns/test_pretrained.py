import numpy as np
import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import Embedding
from tfx_sequences.schemas.columns.pretrained import pretrained_vectors

TERMS = ["one", "two", "two words"]


@pytest.fixture
def file(tmp_path):
    def write(content, name="v.txt"):
        path = tmp_path / name
        if isinstance(content, np.ndarray):
            np.save(path, content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


@pytest.mark.parametrize("header", ["", "3 2\n"])
def test_text_lines_with_and_without_header(file, header):
    path = file(header + "two 1 2\nstrange 9 9\ntwo words 3 4.5\n\n")
    read = pretrained_vectors(Embedding(vectors_file=path, dimension=2), TERMS, 5)
    np.testing.assert_array_equal(read.vectors, [[0, 0], [1, 2], [3, 4.5], [0, 0], [0, 0]])
    assert read.covered.tolist() == [False, True, True, False, False]
    assert read.not_covered == ("one",)
    assert "2 of 3 terms; none for 'one'" in read.report()


def test_an_array_with_its_own_terms(file):
    terms = file("two\none\n", "terms.txt")
    path = file(np.array([[1, 2], [3, 4]], "int64"), "v.npy")
    read = pretrained_vectors(Embedding(vectors_file=path, vectors_terms_file=terms), TERMS, 3)
    np.testing.assert_array_equal(read.vectors, [[3, 4], [1, 2], [0, 0]])


def test_an_array_in_the_order_of_the_terms_or_ids(file):
    path = file(np.arange(6.0).reshape(3, 2), "v.npy")
    by_terms = pretrained_vectors(Embedding(vectors_file=path), TERMS, 4)
    np.testing.assert_array_equal(by_terms.vectors[:3], np.arange(6.0).reshape(3, 2))
    by_ids = pretrained_vectors(Embedding(vectors_file=path), None, 2)
    np.testing.assert_array_equal(by_ids.vectors, [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("one 1 2\ntwo 1\n", {}, "malformed line 2: 1 numbers, others have 2"),
        ("one 1 x\n", {}, "malformed line 1"),
        ("", {}, "it is empty"),
        ("three 1 2\n", {}, r"contains none of its 3 terms"),
        ("one 1 2\n", {"dimension": 3}, r"different dimension[\s\S]*dimension: 2"),
    ],
)
def test_what_is_wrong_with_a_text_file_is_told(file, content, options, message):
    with pytest.raises(SpecError, match=message):
        pretrained_vectors(Embedding(vectors_file=file(content), **options), TERMS, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros(3), "not a table of numbers"),
        (np.zeros((2, 2)), "do not match its terms"),
        (np.array([["a"]]), "not a table of numbers"),
        (b"not an array", "cannot be read"),
    ],
)
def test_what_is_wrong_with_an_array_is_told(file, content, message):
    with pytest.raises(SpecError, match=message):
        pretrained_vectors(Embedding(vectors_file=file(content, "v.npy")), TERMS, 3)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SpecError, match=r"vectors of 'word' cannot be read[\s\S]*vectors_file"):
        pretrained_vectors(Embedding(vectors_file=str(tmp_path / "no.txt")), TERMS, 3, table="word")
