"""What the transform graph makes of numbers, computed a second time with NumPy and scikit-learn; and served alike."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
import tensorflow_transform as tft
from sklearn.preprocessing import QuantileTransformer, RobustScaler
from tensorflow_transform.saved import saved_transform_io_v2

from tests.components.numbers.by_numpy import expected as of_records
from tests.everything import analyzed, exported
from tests.numbers import number_records, numbers_spec
from tests.records import sequence_example
from tfx_sequences.components.numbers.chosen import normalizers_of, read_choices
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return analyzed(numbers_spec(), number_records(), tmp_path_factory.mktemp("numbers"))


def transform(graph, records):
    output = tft.TFTransformOutput(graph.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    serialized = [sequence_example(c, s).SerializeToString() for c, s in records]
    return loader.apply_transform_model(parse_records(tf.constant(serialized, tf.string), graph.spec))


@pytest.fixture(scope="module")
def transformed(graph):
    return transform(graph, graph.records)


def steps(graph, key, size=1):
    """`[N, size]`, NaN where a step is missing."""
    flat = [np.ravel(step if step != [] else [np.nan] * size) for _, s in graph.records for step in s[key]]
    return np.array(flat, np.float64)


def padded(graph, key, size=1):
    lengths = [len(s[key]) for _, s in graph.records]
    values = np.full((len(lengths), max(lengths), size), np.nan)
    values[np.arange(max(lengths)) < np.array(lengths)[:, None]] = steps(graph, key, size)
    return values, ~np.isnan(values)


def flat(transformed, name):
    values = transformed[name].values.numpy()
    return values.reshape(len(values), -1)


def by_record(graph, key, kind, *, causal, size=1):
    """Values, location and scale by NumPy, `[N, size]` each."""
    values, counts = padded(graph, key, size)
    real = np.arange(values.shape[1]) < np.array([len(s[key]) for _, s in graph.records])[:, None]
    return [x[real] for x in of_records(values, counts, kind, causal)]


def z_score(values):
    return (values - np.nanmean(values, 0)) / np.nanstd(values, 0)


def test_each_column_has_the_normaliser_that_suits_it(graph):
    choices = read_choices(tft.TFTransformOutput(graph.transform_dir).transform_savedmodel_dir)
    assert normalizers_of(choices) == {
        "context.size": "z_score",
        "context.spend": "log1p",
        "sequence.usual": "z_score",
        "sequence.wave": "per_record",
        "sequence.drift": "per_record",
        "sequence.tiny": "quantile",
        "sequence.large": "quantile",
    }
    assert "lie within a factor of" in choices["sequence.wave"]["why"]
    assert choices["sequence.drift"]["figures"]["within"] < 1e-5


def test_what_auto_chose_is_what_it_would_be_if_given(graph, transformed):
    np.testing.assert_allclose(flat(transformed, "sequence.usual"), z_score(steps(graph, "usual", 2)), atol=1e-5)
    np.testing.assert_allclose(
        transformed["context.size"], z_score(np.array([c["size"] for c, _ in graph.records])), atol=1e-5
    )
    spend = np.log1p([c["spend"] for c, _ in graph.records])
    np.testing.assert_allclose(transformed["context.spend"], z_score(spend), atol=1e-5)
    wave, *_ = by_record(graph, "wave", "per_record", causal=False)
    np.testing.assert_allclose(flat(transformed, "sequence.wave"), wave, atol=1e-5)
    drift, *_ = by_record(graph, "drift", "per_record", causal=True, size=2)
    np.testing.assert_allclose(flat(transformed, "sequence.drift"), drift, atol=1e-5)
    for key in ("tiny", "large"):
        ranks = (scipy.stats.rankdata(steps(graph, key)[:, 0]) - 1) / (len(steps(graph, key)) - 1)
        inside = (ranks > 0.01) & (ranks < 0.99)
        found = flat(transformed, f"sequence.{key}")[inside, 0]
        np.testing.assert_allclose(found, scipy.stats.norm.ppf(ranks[inside]), atol=0.03)


def test_normalisers_of_the_training_split(graph, transformed):
    tiny = RobustScaler().fit_transform(steps(graph, "tiny"))
    np.testing.assert_allclose(flat(transformed, "sequence.robust"), tiny.clip(-1.5, 1.5), rtol=1e-4)
    places = np.array([c["place"] for c, _ in graph.records])
    np.testing.assert_allclose(transformed["context.place"], RobustScaler().fit_transform(places), atol=1e-5)
    wave = steps(graph, "wave")
    there = ~np.isnan(wave[:, 0])
    theirs = QuantileTransformer(n_quantiles=1001, output_distribution="normal", subsample=None)
    expected = np.zeros_like(wave)
    expected[there] = theirs.fit_transform(wave[there])
    np.testing.assert_allclose(flat(transformed, "sequence.ranks"), expected, atol=0.02)
    np.testing.assert_allclose(flat(transformed, "sequence.logs"), z_score(np.log1p(steps(graph, "large"))), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "key", "kind", "causal", "size"),
    [
        ("own", "wave", "per_record", False, 1),
        ("own_robust", "wave", "per_record_robust", False, 1),
        ("own_range", "drift", "per_record_min_max", False, 2),
        ("past", "wave", "per_record", True, 1),
        ("past_robust", "wave", "per_record_robust", True, 1),
    ],
)
def test_normalisers_of_the_record(graph, transformed, name, key, kind, causal, size):
    values, _, _ = by_record(graph, key, kind, causal=causal, size=size)
    if graph.spec.sequence[name].clip:
        values = values.clip(-1, 1)
    np.testing.assert_allclose(flat(transformed, f"sequence.{name}"), values, atol=1e-5)


def test_scales_are_handed_on_where_a_record_is_normalised_by_itself(graph, transformed):
    _, location, scale = by_record(graph, "wave", "per_record_robust", causal=False)
    # The mean and deviation over the training records of the logarithm of their standard deviation.
    deviations = [np.nanstd(w) for w, _ in zip(padded(graph, "wave")[0], graph.records, strict=True) if varies(w)]
    average, spread = np.log(deviations).mean(), np.log(deviations).std()
    known = scale > 0
    logs = np.where(known, (np.log(np.where(known, scale, 1)) - average) / spread, 0).clip(-5, 5)
    ratio = location / np.where(known, scale, np.exp(average))
    expected = np.concatenate([logs, np.sign(ratio) * np.log1p(abs(ratio))], axis=1)
    np.testing.assert_allclose(flat(transformed, "sequence.own_robust.record_scale"), expected, atol=1e-4)
    lengths = [len(s["wave"]) for _, s in graph.records]
    for name in ("wave", "own_robust", "drift"):
        np.testing.assert_array_equal(transformed[f"sequence.{name}.record_scale"].row_lengths(), lengths)
    # Those that `auto` has not chosen are empty, and those that are not wanted not there.
    assert transformed["sequence.usual.record_scale"].shape[1:] == (None, 4)
    assert len(transformed["sequence.usual.record_scale"].values) == 0
    assert "sequence.large.record_scale" not in transformed
    assert "sequence.own.record_scale" not in transformed


def varies(values):
    """Both halves of a record do."""
    real = values[: np.flatnonzero(~np.isnan(values[:, 0])).max(initial=-1) + 1, 0]
    halves = [half[~np.isnan(half)] for half in (real[::2], real[1::2])]
    return all(len(half) > 1 and half.std() > 0 for half in halves)


def test_buckets_of_quantiles_hold_equal_shares(graph, transformed):
    values = steps(graph, "usual", 2)
    quantiles = np.quantile(values, [1 / 3, 2 / 3], axis=0)
    expected = np.stack([np.digitize(values[:, e], quantiles[:, e]) + 3 * e for e in range(2)], axis=1)
    np.testing.assert_array_equal(flat(transformed, "sequence.parts"), expected)
    assert np.bincount(transformed["context.band"].numpy()).tolist() == [40] * 4


def test_missing_steps_are_zero_and_change_no_others(graph, transformed):
    missing = np.isnan(steps(graph, "wave")[:, 0])
    assert missing.any()
    for name in ("wave", "ranks", "own", "own_robust", "past", "past_robust"):
        assert not flat(transformed, f"sequence.{name}")[missing].any()


def test_the_layout_of_transformed_records_is_known_without_the_graph(graph):
    theirs = tft.TFTransformOutput(graph.transform_dir).transformed_feature_spec()
    assert make_parse_transformed_spec(graph.spec) == theirs


@pytest.mark.slow
def test_a_record_becomes_the_same_in_any_batch(graph, transformed):
    for index in (0, 3, 8, 10, 17):
        alone = transform(graph, graph.records[index : index + 1])
        for name, values in transformed.items():
            ours, its = (
                x.to_list() if isinstance(x, tf.RaggedTensor) else x.numpy().tolist() for x in (values, alone[name])
            )
            np.testing.assert_array_equal(ours[index], its[0], err_msg=name)


def test_no_records_at_all_are_no_error(graph):
    assert {
        len(values.numpy()) for values in transform(graph, []).values() if not isinstance(values, tf.RaggedTensor)
    } == {0}


@pytest.mark.slow
def test_what_is_served_is_what_is_trained_with(graph, transformed, tmp_path):
    raw, folder = exported(graph, tmp_path / "model")
    loaded = tf.saved_model.load(str(folder))
    served = loaded.signatures["transform_features"](tf.constant(graph.serialized, tf.string))
    spec = network_spec(graph.spec, normalizers_of(raw._statistics.normalizers))
    assert "sequence.wave.record_scale" in served and "sequence.usual.record_scale" not in served
    for name in spec.columns:
        values = transformed[name]
        expected = (
            values.to_tensor(-1 if values.dtype.is_integer else 0) if isinstance(values, tf.RaggedTensor) else values
        )
        np.testing.assert_array_equal(served[name], expected, err_msg=name)
    answers = loaded.signatures["serving_default"](tf.constant(graph.serialized, tf.string))
    np.testing.assert_allclose(
        answers["scores"], raw.predict(tf.constant(graph.serialized, tf.string))["scores"], atol=1e-6
    )
    for index in (0, 3, 10):
        alone = loaded.signatures["serving_default"](tf.constant(graph.serialized[index : index + 1], tf.string))
        np.testing.assert_allclose(alone["scores"][0], answers["scores"][index], atol=1e-5)
