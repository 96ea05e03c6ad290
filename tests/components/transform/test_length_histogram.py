import numpy as np
import tensorflow_transform as tft

from tfx_sequences.components.transform.length_histogram import LengthHistogram, read_histogram
from tfx_sequences.schemas.spec.batching import Batching


def test_the_analysis_counts_every_length_exactly(everything):
    histogram = read_histogram(tft.TFTransformOutput(everything.transform_dir))
    expected = LengthHistogram.of([len(s["lpc"]) for _, s in everything.records])
    np.testing.assert_array_equal(histogram.lengths, expected.lengths)
    np.testing.assert_array_equal(histogram.counts, expected.counts)


def test_cut_lengths_are_counted_with_those_of_that_length():
    histogram = LengthHistogram.of([0, 3, 5, 5, 9]).as_batched(Batching(max_length=5))
    assert histogram.lengths.tolist() == [0, 3, 5]
    assert histogram.counts.tolist() == [1, 1, 3]


def test_no_records():
    histogram = LengthHistogram.of([]).as_batched(Batching(max_length=5))
    assert not len(histogram.lengths)
