"""The statistics without TFX are those of TFT on Beam: terms in order, moments, choices, transformed features."""

import collections
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.components.transform.engines import analyzed_without_tft, assert_same_engines
from tests.everything import analyzed_serialized
from tfx_sequences.components.transform.split_analysis import NO_TERMS
from tfx_sequences.components.transform.transform_graph import TransformGraph
from tfx_sequences.components.transform.transform_output import TransformOutput
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import load_spec

EXAMPLES = Path(__file__).parents[3] / "examples"
RECORDS = 200


@pytest.mark.slow
@pytest.mark.parametrize("given", ["everything", "all_labels", "forecasts"])
def test_every_kind_of_column_and_label(request, given, tmp_path):
    of = request.getfixturevalue(given)
    ours = analyzed_without_tft(of.spec, of.serialized, tmp_path / "ours")
    assert_same_engines(of.spec, of.serialized, of.transform_dir, ours)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(file.parent.name for file in EXAMPLES.glob("*/spec.yaml")))
def test_real_records(shared_data, name, tmp_path):
    folder = shared_data(name)
    spec = load_spec(next((EXAMPLES / name).glob("*.yaml")))
    files = [str(file) for file in sorted(folder.glob("train-*"))]
    serialized = [*tf.data.TFRecordDataset(files, "GZIP").take(RECORDS).as_numpy_iterator()]
    theirs = analyzed_serialized(spec, serialized, tmp_path)
    ours = analyzed_without_tft(spec, serialized, tmp_path / "ours")
    assert_same_engines(spec, serialized, theirs, ours)


def terms_spec(vocabulary):
    return SequenceSpec(
        name="terms",
        sequence={"word": {"type": "categorical", "vocabulary": vocabulary, "num_oov_buckets": 1}},
        label={"key": "y", "type": "regression"},
    )


def record(words):
    context = {"y": tf.train.Feature(float_list=tf.train.FloatList(value=[1.0]))}
    steps = [tf.train.Feature(bytes_list=tf.train.BytesList(value=[word])) for word in words]
    lists = tf.train.FeatureLists(feature_list={"word": tf.train.FeatureList(feature=steps)})
    return tf.train.SequenceExample(context=tf.train.Features(feature=context), feature_lists=lists).SerializeToString()


TERMS = [
    *(b"a b c d e aa ab".split() * 2),
    *("ü é 东 \U0001f600".encode().split() * 2),
    *(b"z" for _ in range(5)),
    b"",
    b"two\nlines",
    b"two\rlines",
    b" leading",
    b"once",
]


@pytest.mark.parametrize("vocabulary", [{}, {"top_k": 5}, {"frequency_threshold": 2}, {"frequency_threshold": 99}])
def test_ties_limits_and_terms_that_are_no_lines(vocabulary, tmp_path):
    spec = terms_spec(vocabulary)
    serialized = [record(TERMS[at::4]) for at in range(4)]
    found = TransformOutput(analyzed_without_tft(spec, serialized, tmp_path)).vocabulary_by_name(
        "vocabulary_sequence_word"
    )
    counts = collections.Counter(term for term in TERMS if term and b"\n" not in term and b"\r" not in term)
    ordered = sorted(((count, term) for term, count in counts.items()), reverse=True)
    least = vocabulary.get("frequency_threshold", 0)
    expected = [term for count, term in ordered if count >= least][: vocabulary.get("top_k")]
    assert found == (expected or [NO_TERMS])


def test_a_vocabulary_without_terms_has_the_line_of_tft():
    from tensorflow_transform import analyzers

    assert analyzers.get_empy_vocabulary_dummy_value(tf.string) == (1, NO_TERMS)


@pytest.mark.slow
def test_moments_are_those_of_numpy(everything, tmp_path):
    folder = analyzed_without_tft(everything.spec, everything.serialized, tmp_path, files=3)
    graph = TransformGraph(TransformOutput(folder).transform_savedmodel_dir)
    parsed = parse_records(tf.constant(everything.serialized), everything.spec)
    ages = np.array([context.get("age", 50.0) for context, _ in everything.records])
    np.testing.assert_allclose(graph(parsed)["context.age"], (ages - ages.mean()) / ages.std(), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_neither_tfx_nor_tft_nor_beam_is_imported(everything, tmp_path):
    """In a process of its own, where they cannot be imported."""
    with tf.io.TFRecordWriter(str(tmp_path / "records")) as writer:
        for serialized in everything.serialized:
            writer.write(serialized)
    program = f"""
import sys
for name in ("tfx", "tfx_bsl", "tensorflow_transform", "apache_beam", "ml_metadata"):
    sys.modules[name] = None
from tests.everything import everything_spec
from tfx_sequences.components.transform.split_analysis import analyze_split
from tfx_sequences.components.transform.transform_graph import TransformGraph
analyze_split(everything_spec(), [{str(tmp_path / "records")!r}], {str(tmp_path / "graph")!r})
TransformGraph({str(tmp_path / "graph" / "transform_fn")!r})
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])
