"""Missing lists, steps and elements in the transform graph, against NumPy; and the same where it is served."""

import datetime
import zoneinfo

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.components.numbers.by_numpy import carried, interpolated
from tests.components.numbers.by_numpy import expected as of_records
from tests.everything import analyzed, exported
from tests.missing import MARKER, START, missing_records, missing_spec
from tests.records import sequence_example
from tfx_sequences.components.serving.requests import make_tensors, serialize_rows
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.features.record_scales import network_spec
from tfx_sequences.schemas.features.transformed_features import make_parse_transformed_spec

RECORDS = missing_records()
LENGTHS = np.array([max((len(values) for values in s.values()), default=0) for _, s in RECORDS])


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    return analyzed(missing_spec(), RECORDS, tmp_path_factory.mktemp("missing"))


@pytest.fixture(scope="module")
def transformed(graph):
    return transform(graph, RECORDS)


@pytest.fixture(scope="module")
def served(graph, tmp_path_factory):
    raw, folder = exported(graph, tmp_path_factory.mktemp("served") / "model")
    return raw, tf.saved_model.load(str(folder)).signatures


def transform(graph, records):
    loader = saved_transform_io_v2.SavedModelLoader(tft.TFTransformOutput(graph.transform_dir).transform_savedmodel_dir)
    serialized = [sequence_example(c, s).SerializeToString() for c, s in records]
    return loader.apply_transform_model(parse_records(tf.constant(serialized, tf.string), graph.spec))


def steps(key, size=1, marker=None):
    """`[N, size]`, NaN where one is missing."""
    flat = []
    for length, (_, sequence) in zip(LENGTHS, RECORDS, strict=True):
        for step in sequence.get(key, [[]] * length):
            flat.append([np.nan] * size if step == [] else np.ravel(step))
    values = np.array(flat, np.float64).reshape(-1, size)
    values[values == marker] = np.nan
    return values


def by_record(values, fill):
    ends = np.cumsum(LENGTHS)[:-1]
    there = ~np.isnan(values)
    parts = zip(np.split(np.nan_to_num(values), ends), np.split(there, ends), strict=True)
    return np.concatenate([fill(v, t) for v, t in parts])


def flat(transformed, name):
    values = transformed[name].values
    values = values.values if isinstance(values, tf.RaggedTensor) else values
    return values.numpy().reshape(len(values), -1)


def z_score(values):
    return (values - np.nanmean(values, 0)) / np.nanstd(values, 0)


def min_max(values):
    low, high = np.nanmin(values, 0), np.nanmax(values, 0)
    return (values - low) / (high - low)


def test_every_feature_has_the_steps_of_the_record(transformed):
    for name, values in transformed.items():
        if name.startswith("sequence.") and not name.endswith("record_scale"):
            np.testing.assert_array_equal(values.row_lengths()[: len(LENGTHS)], LENGTHS, err_msg=name)
    np.testing.assert_array_equal(transformed["sequence_length"], LENGTHS)


def test_elements_are_missing_one_by_one_and_do_not_count(transformed):
    vitals = steps("vitals", 3)
    assert np.isnan(vitals).any(axis=1).sum() > np.isnan(vitals).all(axis=1).sum() > 0
    np.testing.assert_allclose(flat(transformed, "sequence.vitals"), np.nan_to_num(z_score(vitals)), atol=1e-5)
    np.testing.assert_array_equal(flat(transformed, "sequence.vitals.observed"), ~np.isnan(vitals))
    ranged = min_max(vitals)
    expected = np.where(np.isnan(ranged), np.nanmean(ranged, axis=0), ranged)
    np.testing.assert_allclose(flat(transformed, "sequence.range"), expected, atol=1e-5)
    low, middle, high = np.nanquantile(vitals, [0.25, 0.5, 0.75], axis=0)
    expected = np.nan_to_num((vitals - middle) / (high - low))
    np.testing.assert_allclose(flat(transformed, "sequence.middle"), expected, atol=1e-4)
    np.testing.assert_allclose(flat(transformed, "sequence.chosen"), np.nan_to_num(z_score(vitals)), atol=1e-5)
    expected = np.where(np.isnan(vitals), -1, (vitals >= 0) + 2 * np.arange(3))
    np.testing.assert_array_equal(flat(transformed, "sequence.band"), expected)


def test_values_of_other_steps_fill_them(transformed):
    vitals = steps("vitals", 3)
    np.testing.assert_allclose(flat(transformed, "sequence.carried"), by_record(z_score(vitals), carried), atol=1e-5)
    ranged = min_max(vitals)
    line = by_record(ranged, interpolated)
    nowhere = by_record(vitals, lambda v, t: np.broadcast_to(t.any(axis=0), t.shape) if len(t) else t)
    expected = np.where(nowhere, line, np.nanmean(ranged, axis=0))
    np.testing.assert_allclose(flat(transformed, "sequence.line"), expected, atol=1e-5)
    count = steps("count", marker=-1)
    expected = by_record(count, carried)
    unknown = by_record(count, lambda v, t: np.maximum.accumulate(t, axis=0) if len(t) else t) == 0
    np.testing.assert_array_equal(flat(transformed, "sequence.count"), np.where(unknown, 7, expected))


def test_statistics_of_a_record_leave_them_out(transformed):
    vitals = steps("vitals", 3)
    padded = np.full((len(LENGTHS), LENGTHS.max(), 3), np.nan)
    real = np.arange(LENGTHS.max()) < LENGTHS[:, None]
    padded[real] = vitals
    values, *_ = of_records(padded, ~np.isnan(padded), "per_record", False)
    expected = by_record(np.where(np.isnan(vitals), np.nan, values[real]), carried)
    np.testing.assert_allclose(flat(transformed, "sequence.own"), expected, atol=1e-5)


def of_times(reduce):
    """`[N]`, NaN where one is missing: what `reduce` makes of the times of a record, in Python's integers."""
    found = []
    for length, (context, sequence) in zip(LENGTHS, RECORDS, strict=True):
        times = sequence.get("time", [0] * length)
        known = [t for t in times if t]
        for step, time in enumerate(times):
            earlier = [t for t in times[:step] if t]
            found.append(float(reduce(time, known, earlier, context)) if time else np.nan)
    return np.array(found)[:, None]


def test_times_keep_their_digits(transformed):
    exact = of_times(lambda t, *_: t - START) * 0.01
    assert np.unique(exact[~np.isnan(exact)]).size > 80
    np.testing.assert_array_equal(flat(transformed, "sequence.exact"), np.nan_to_num(exact).astype("float32"))
    since = of_times(lambda t, known, *_: t - known[0]) * 0.1
    filled = by_record(since, carried)
    np.testing.assert_allclose(flat(transformed, "sequence.since"), filled, atol=1e-6)
    gap = of_times(lambda t, known, earlier, _: t - earlier[-1] if earlier else 0)
    np.testing.assert_allclose(flat(transformed, "sequence.gap"), np.nan_to_num(z_score(gap)), atol=1e-6)
    left = min_max(of_times(lambda t, known, *_: t - known[-1]))
    expected = np.where(np.isnan(left), np.nanmean(left), left)
    np.testing.assert_allclose(flat(transformed, "sequence.left"), expected, atol=1e-6)
    later = of_times(lambda t, known, earlier, context: t - context["start"])
    np.testing.assert_array_equal(flat(transformed, "sequence.later"), np.nan_to_num(later).astype("float32"))
    np.testing.assert_array_equal(flat(transformed, "sequence.later.observed"), ~np.isnan(later))
    # In float64 the times themselves are known to 256 ns, which lie within 4 900.
    times = z_score(of_times(lambda t, *_: t - START))
    np.testing.assert_allclose(flat(transformed, "sequence.time"), np.nan_to_num(times), atol=0.5)


def log1p_z(values):
    logs = np.log1p(values)
    return (logs - np.nanmean(logs, 0)) / np.nanstd(logs, 0)


def waves(dates):
    """Sine and cosine of hour, weekday and month, `[N, 6]`; zeros where there is no date."""
    found = []
    for date in dates:
        parts = [(date.hour, 24), (date.weekday(), 7), (date.month - 1, 12)] if date else []
        found.append([f(2 * np.pi * part / period) for part, period in parts for f in (np.sin, np.cos)] or [0] * 6)
    return np.array(found)


def date_of(seconds, zone):
    return datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone))


def test_times_become_durations_and_dates(transformed):
    spans = [
        of_times(lambda t, known, earlier, _: (t - earlier[-1] if earlier else 0) / 10**9),
        of_times(lambda t, known, *_: (known[-1] - t) / 10**9),
        of_times(lambda t, known, *_: (t - known[0]) / 10**9),
    ]
    expected = np.nan_to_num(np.concatenate([log1p_z(span) for span in spans], axis=1))
    found = flat(transformed, "sequence.when")
    assert found.shape == (LENGTHS.sum(), 9)
    np.testing.assert_allclose(found[:, :3], expected, atol=1e-5)
    seconds = steps("time", marker=0)[:, 0] / 10**9
    dates = [None if np.isnan(s) else date_of(int(s), "America/New_York") for s in seconds]
    np.testing.assert_allclose(found[:, 3:], waves(dates), atol=1e-6)
    weekdays = [np.eye(7)[date.weekday()] if date else np.zeros(7) for date in dates]
    np.testing.assert_array_equal(flat(transformed, "sequence.day"), weekdays)
    asked = [date_of(c["asked"], "Asia/Kolkata") if "asked" in c else None for c, _ in RECORDS]
    np.testing.assert_allclose(transformed["context.asked"], waves(asked), atol=1e-6)


def test_absent_lists_are_missing_steps(transformed):
    dose = steps("dose")
    np.testing.assert_array_equal(flat(transformed, "sequence.dose"), np.nan_to_num(dose).astype("float32"))
    np.testing.assert_array_equal(flat(transformed, "sequence.dose.observed"), ~np.isnan(dose))
    for (_, sequence), length, code, tags in zip(
        RECORDS, LENGTHS, transformed["sequence.code"].to_list(), transformed["sequence.tags"].to_list(), strict=True
    ):
        assert code == [["hr", "bp", "o2"].index(c) for c in sequence.get("code", ["o2"] * length)]
        assert tags == [[["x", "y"].index(t) for t in step] for step in sequence.get("tags", [[]] * length)]


def test_context_features_have_missing_values_too(transformed):
    mass = np.array([c.get("mass", np.nan) for c, _ in RECORDS])
    mass[mass == MARKER] = np.nan
    np.testing.assert_allclose(transformed["context.mass"], np.nan_to_num(z_score(mass)), atol=1e-5)
    np.testing.assert_array_equal(transformed["context.mass.observed"][:, 0], ~np.isnan(mass))
    np.testing.assert_array_equal(transformed["context.age.observed"][:, 0], ["age" in c for c, _ in RECORDS])
    age = np.array([c.get("age", 50) for c, _ in RECORDS], np.float64)
    np.testing.assert_allclose(transformed["context.age"], z_score(age), atol=1e-5)
    pair = np.array([c["pair"] for c, _ in RECORDS])
    expected = np.nan_to_num(min_max(pair))
    expected[np.isnan(pair)] = 0  # an element that never varies is only moved
    np.testing.assert_allclose(transformed["context.pair"], expected, atol=1e-6)


def test_the_layout_is_known_without_the_graph(graph):
    theirs = tft.TFTransformOutput(graph.transform_dir).transformed_feature_spec()
    assert make_parse_transformed_spec(graph.spec) == theirs


@pytest.mark.slow
def test_it_is_the_same_where_it_is_served(graph, transformed, served):
    raw, signatures = served
    features = signatures["transform_features"](tf.constant(graph.serialized, tf.string))
    columns = network_spec(graph.spec, {"sequence.chosen": "z_score"}).columns
    assert {"sequence.vitals.observed", "context.mass.observed"} <= set(columns)
    for name in columns:
        values = transformed[name]
        if isinstance(values, tf.RaggedTensor):
            values = values.to_tensor(-1 if name in ("sequence.tags", "sequence.band") else 0)
        np.testing.assert_array_equal(features[name], values, err_msg=name)
    answers = signatures["serving_default"](tf.constant(graph.serialized, tf.string))["scores"]
    assert np.isfinite(answers).all()
    trained = raw._model({name: features[name] for name in [*columns, "sequence_length"]})
    np.testing.assert_allclose(answers, tf.nn.softmax(trained), atol=1e-6)
    for index in (0, 2, 13, 30):
        alone = signatures["serving_default"](tf.constant(graph.serialized[index : index + 1], tf.string))["scores"]
        np.testing.assert_allclose(alone[0], answers[index], atol=1e-5)


@pytest.mark.slow
def test_rows_and_tensors_give_the_same_answers(graph, served):
    _, signatures = served
    answers = signatures["serving_default"](tf.constant(graph.serialized, tf.string))["scores"]
    rows = [{**c, **{k: [None if x == [] and k != "tags" else x for x in v] for k, v in s.items()}} for c, s in RECORDS]
    of_rows = signatures["serving_default"](tf.constant(serialize_rows(rows, graph.spec)))["scores"]
    np.testing.assert_allclose(of_rows, answers, atol=1e-6)
    tensors = make_tensors([{k: v for k, v in row.items() if k not in ("id", "kind")} for row in rows], graph.spec)
    # The input that no row has may be left out, as arrays without rows.
    inputs = {n: tf.constant(x, tf.string if x.dtype == object else None) for n, x in tensors.items()}
    np.testing.assert_allclose(signatures["serving_tensors"](**inputs)["scores"], answers, atol=1e-6)
    without = [{k: v for k, v in row.items() if k not in ("id", "kind", "dose")} for row in rows]
    expected = signatures["serving_default"](tf.constant(serialize_rows(without, graph.spec)))["scores"]
    left_out = {**inputs, "dose": tf.zeros([0, 0], tf.float32)}
    np.testing.assert_allclose(signatures["serving_tensors"](**left_out)["scores"], expected, atol=1e-6)
