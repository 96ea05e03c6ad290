"""Compares the two engines of statistics: TFT's on Beam, and the pass without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf

from tfx_sequences.components.numbers.chosen import read_choices
from tfx_sequences.components.transform.split_analysis import analyze_split
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transform_output import TransformOutput, read_asset_map
from tfx_sequences.schemas.features.parse_specs import parse_records

# The quantiles of up to this number of values are exact, whatever the size of a vector.
FEWEST_SKETCHED = 256


def analyzed_without_tft(spec, serialized, folder, files=2):
    """The folder of the transform graph of serialized records, which are read from several files."""
    folder.mkdir(exist_ok=True)
    paths = [str(folder / f"records-{number}.tfrecord") for number in range(files)]
    for number, path in enumerate(paths):
        with tf.io.TFRecordWriter(path) as writer:
            for record in serialized[number * len(serialized) // files : (number + 1) * len(serialized) // files]:
                writer.write(record)
    analyze_split(spec, paths, str(folder / "graph"))
    return str(folder / "graph")


def assert_same_engines(spec, serialized, theirs, ours):
    """Vocabularies, choices and transformed features of two graphs are equal; numbers to 1e-6 relative."""
    theirs, ours = TransformOutput(theirs), TransformOutput(ours)
    assert vocabularies(ours) == vocabularies(theirs)
    assert read_asset_map(ours.folder) == read_asset_map(theirs.folder)
    choices = read_choices(ours.transform_savedmodel_dir)
    assert_close(choices, read_choices(theirs.transform_savedmodel_dir))
    ranked = {name for name, choice in choices.items() if choice["normalizer"] == "quantile"}
    graphs = [TransformGraph(output.transform_savedmodel_dir) for output in (theirs, ours)]
    for with_label in (True, False):
        parsed = parse_records(tf.constant(serialized), spec, with_label=with_label)
        expected, found = (graph(parsed) for graph in graphs)
        names = found.keys() if with_label else found.keys() & expected.keys()
        assert set(found) <= set(expected) and len(names) > 1
        for name in names:
            if name in ranked and len(expected[name].flat_values) > FEWEST_SKETCHED:
                assert_same_ranks(name, found[name], expected[name])
            else:
                assert_same_values(name, found[name], expected[name])


def vocabularies(output):
    assets = Path(output.transform_savedmodel_dir, "assets")
    return {file.name: output.vocabulary_by_name(file.name) for file in sorted(assets.iterdir())}


def assert_same_values(name, found, expected):
    found, expected = (tf.nest.flatten(value, expand_composites=True) for value in (found, expected))
    for ours, theirs in zip(found, expected, strict=True):
        if ours.dtype.is_floating:
            scale = max(
                1.0, float(tf.reduce_max(tf.abs(tf.boolean_mask(theirs, tf.math.is_finite(theirs))), axis=None))
            )
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6 * scale, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def assert_same_ranks(name, found, expected):
    """Values that quantiles map to a normal distribution.

    Beyond a number of values, their sketch is approximate and depends on the batches, which Beam chooses: so does a
    rank, by `1 / (2 * points)` for each of a few levels, in both engines.
    """
    ours, theirs = (_normal_cdf(tf.cast(values.flat_values, tf.float64)).numpy() for values in (found, expected))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-3, err_msg=name)


def _normal_cdf(values):
    return (1 + tf.math.erf(values / np.sqrt(2))) / 2


def assert_close(found, expected):
    """Nested dicts with equal texts and numbers that are equal to 1e-6 relative."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_close(found[key], expected[key])
    elif isinstance(expected, float):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    else:
        assert found == expected
