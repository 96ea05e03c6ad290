"""Counts in parts, in memory or on disk, are those of a Counter over all terms, in TFT's order."""

import collections

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from tfx_sequences.components.transform.vocabulary_counts import VocabularyCounts


def ordered(terms):
    return sorted(((count, term) for term, count in collections.Counter(terms).items()), reverse=True)


def counted(batches, folder, most):
    counts = VocabularyCounts(str(folder), most)
    for batch in batches:
        different = collections.Counter(batch)
        terms = np.empty(len(different), object)
        terms[:] = list(different)
        counts.add(terms, np.array(list(different.values()), np.int64))
    return counts


def rows(table):
    return [*zip(table["count"].to_pylist(), table["term"].to_pylist(), strict=True)]


@pytest.mark.parametrize("most", [10, 60, 10_000])
def test_many_terms_are_counted_in_little_memory(tmp_path, most):
    random = np.random.default_rng(0)
    batches = [[b"%d" % n for n in random.zipf(1.3, 200) % 500] for _ in range(20)]
    counts = counted(batches, tmp_path, most)
    expected = ordered([term for batch in batches for term in batch])
    assert bool([*tmp_path.iterdir()]) == (most < 10_000)
    assert rows(counts.ordered()) == expected
    assert rows(counts.ordered(top_k=7)) == expected[:7]
    assert rows(counts.ordered(frequency_threshold=3)) == [pair for pair in expected if pair[0] >= 3]


def test_blocks_of_files_are_merged(tmp_path, monkeypatch):
    """Runs of several blocks, which end at different terms."""
    monkeypatch.setattr("tfx_sequences.components.transform.vocabulary_counts._AT_ONCE", 3)
    random = np.random.default_rng(1)
    batches = [[b"%03d" % n for n in random.integers(0, 90, 40)] for _ in range(9)]
    expected = ordered([term for batch in batches for term in batch])
    assert rows(counted(batches, tmp_path, 12).ordered()) == expected


@hypothesis.given(st.lists(st.lists(st.binary(max_size=3), max_size=6), max_size=6))
def test_any_bytes(batches):
    assert rows(counted(batches, "", 10_000).ordered()) == ordered([term for batch in batches for term in batch])


def test_nothing_is_counted(tmp_path):
    assert rows(VocabularyCounts(str(tmp_path)).ordered(top_k=3)) == []
