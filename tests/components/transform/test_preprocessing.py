"""What the transform graph makes of records, computed a second time with NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.records import sequence_example
from tfx_sequences.components.batches.ragged_steps import steps_of
from tfx_sequences.schemas.features.parse_specs import parse_records


def transform(analyzed, serialized, spec=None):
    output = tft.TFTransformOutput(analyzed.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    return loader.apply_transform_model(parse_records(tf.constant(serialized, tf.string), spec or analyzed.spec))


@pytest.fixture(scope="module")
def transformed(everything):
    return transform(everything, everything.serialized)


def steps(everything, key):
    return [s[key] for _, s in everything.records]


def context(everything, key, default=None):
    return [c.get(key, default) for c, _ in everything.records]


def flat(lists):
    return np.array([value for values in lists for value in values])


def vocabulary(everything, name):
    return tft.TFTransformOutput(everything.transform_dir).vocabulary_by_name(f"vocabulary_{name}")


def assert_equal(one, other):
    if isinstance(one, tf.RaggedTensor):
        assert one.to_list() == other.to_list()
    else:
        np.testing.assert_array_equal(one, other)


def z_score(values):
    return (values - values.mean(0)) / values.std(0)


def test_every_column_is_ragged_by_the_same_lengths(everything, transformed):
    lengths = [len(s["lpc"]) for _, s in everything.records]
    np.testing.assert_array_equal(transformed["sequence_length"], lengths)
    for name in everything.spec.columns:
        if name.startswith("sequence."):
            np.testing.assert_array_equal(transformed[name].row_lengths(), lengths)


def test_vectors_are_normalised_per_element(everything, transformed):
    expected = z_score(flat(steps(everything, "lpc")))
    np.testing.assert_allclose(transformed["sequence.lpc"].values, expected, atol=1e-5)
    places = np.array(context(everything, "place"))
    expected = (places - places.min(0)) / (places.max(0) - places.min(0))
    np.testing.assert_allclose(transformed["context.place"], expected, atol=1e-6)


def test_missing_context_takes_its_default(everything, transformed):
    ages = np.array(context(everything, "age", 50.0))
    np.testing.assert_allclose(transformed["context.age"], z_score(ages), atol=1e-5)


def test_log1p_keeps_the_sign(everything, transformed):
    price = flat(steps(everything, "price"))
    expected = z_score(np.sign(price) * np.log1p(abs(price)))
    np.testing.assert_allclose(transformed["sequence.price"].values, expected, rtol=1e-5)


def test_terms_become_ids(everything, transformed):
    output = tft.TFTransformOutput(everything.transform_dir)
    terms = [t.decode() for t in output.vocabulary_by_name("vocabulary_sequence_token")]
    assert sorted(terms) == ["a", "b", "c"]
    expected = [terms.index(t) if t in terms else 3 for t in flat(steps(everything, "token"))]
    np.testing.assert_array_equal(transformed["sequence.token"].values, expected)
    cities = [t.decode() for t in output.vocabulary_by_name("vocabulary_context_city")]
    assert sorted(cities) == ["oslo", "rome"]
    expected = [cities.index(c.lower()) for c in context(everything, "city")]
    np.testing.assert_array_equal(transformed["context.city"], expected)


def test_listed_terms_keep_their_order_and_unknown_ones_their_place(everything, transformed):
    items = {10: 0, 20: 1, 30: 2}
    expected = [items.get(i, 2) for i in flat(steps(everything, "item"))]
    np.testing.assert_array_equal(transformed["sequence.item"].values, expected)
    plans = transformed["context.plan"].numpy()
    for plan, id_ in zip(context(everything, "plan"), plans, strict=True):
        assert id_ in {"free": (0,), "paid": (1,), "other": (2, 3)}[plan]


def test_identities_and_hashes_are_in_range(everything, transformed):
    np.testing.assert_array_equal(transformed["sequence.day"].values, flat(steps(everything, "day")))
    hashed = transformed["sequence.url"].values.numpy()
    assert hashed.min() >= 0 and hashed.max() < 5


def test_numbers_fall_into_buckets(everything, transformed):
    speeds = np.digitize(flat(steps(everything, "speed")), [30, 50])
    np.testing.assert_array_equal(transformed["sequence.speed"].values, speeds)
    # Each element of an array has ids of its own.
    pairs = np.digitize(flat(steps(everything, "pair")), [0.0]) + np.array([0, 2])
    np.testing.assert_array_equal(transformed["sequence.pair"].values, pairs)
    np.testing.assert_array_equal(
        transformed["context.age_group"], np.digitize(context(everything, "age", 50.0), [25, 40])
    )


def test_weights_stand_beside_their_terms(everything, transformed):
    assert transformed["sequence.topics.weights"].to_list() == steps(everything, "topic_weights")
    assert transformed["context.interests.weights"].to_list() == context(everything, "interest_weights")
    counts = [[len(terms) for terms in record] for record in steps(everything, "topics")]
    assert [[len(ids) for ids in record] for record in transformed["sequence.topics"].to_list()] == counts


def test_weights_that_are_not_as_many_as_terms_are_refused(everything):
    context, sequence = everything.records[3]
    for key, wrong in (("topic_weights", [[3], [], [2, 0, 5]]), ("topic_weights", [[3, 1], [4], [2, 0, 5]])):
        record = sequence_example(context, {**sequence, key: wrong}).SerializeToString()
        with pytest.raises(tf.errors.InvalidArgumentError, match="different numbers of values"):
            transform(everything, [record])


def test_given_figures_scale(everything, transformed):
    expected = (flat(steps(everything, "scaled")) - [1.0, 2.0]) * 0.5
    np.testing.assert_allclose(transformed["sequence.scaled"].values, expected, atol=1e-6)


def test_several_values_stay_with_their_step_or_record(everything, transformed):
    ids = {"x": 0, "y": 1, "z": 2}
    expected = [[[ids.get(g, 3) for g in step] for step in record] for record in steps(everything, "genres")]
    assert transformed["sequence.genres"].to_list() == expected
    terms = [t.decode() for t in vocabulary(everything, "context_tags")]
    assert sorted(terms) == ["blue", "red"]
    assert transformed["context.tags"].to_list() == [[terms.index(t) for t in c["tags"]] for c, _ in everything.records]


def test_text_becomes_tokens(everything, transformed):
    terms = [t.decode() for t in vocabulary(everything, "context_title")]
    titles = [title.lower().split() for title in context(everything, "title")]
    assert sorted(terms) == sorted({token for title in titles for token in title})
    assert transformed["context.title"].to_list() == [[terms.index(t) for t in title] for title in titles]
    terms = [t.decode() for t in vocabulary(everything, "sequence_words")]
    words = [[[w for w in s.split("-") if w] for s in record] for record in steps(everything, "words")]
    assert transformed["sequence.words"].to_list() == [[[terms.index(w) for w in s] for s in r] for r in words]


def test_columns_that_share_a_table_share_the_vocabulary(everything, transformed):
    terms = [t.decode() for t in vocabulary(everything, "of_table_brand")]
    assert sorted(terms) == ["acme", "fresh", "zen"]
    homes = [terms.index(b) for b in context(everything, "home_brand")]
    np.testing.assert_array_equal(transformed["context.home_brand"], homes)
    brands = [terms.index(b) for b in flat(steps(everything, "brand"))]
    np.testing.assert_array_equal(transformed["sequence.brand"].values, brands)


def test_label_weight_and_id_pass(everything, transformed):
    output = tft.TFTransformOutput(everything.transform_dir)
    classes = [t.decode() for t in output.vocabulary_by_name("vocabulary_label")]
    assert classes == ["good", "bad"]
    np.testing.assert_array_equal(transformed["label"], [classes.index(k) for k in context(everything, "kind")])
    np.testing.assert_allclose(transformed["example_weight"], context(everything, "weight"))
    assert [i.decode() for i in transformed["id"].numpy()] == context(everything, "id")


def test_both_record_kinds_reach_the_same_tensors(everything, transformed):
    spec = everything.spec_of_examples
    parsed = parse_records(tf.constant(everything.serialized_examples), spec)
    raw = parse_records(tf.constant(everything.serialized), everything.spec)
    for name, column in spec.columns.items():
        if not column.is_sequence:
            assert_equal(parsed[column.key], raw[column.key])
            continue
        key = f"sequence.{column.key}"
        np.testing.assert_array_equal(parsed[key].row_lengths(), raw[key].row_lengths(), err_msg=name)
        shape = getattr(column, "shape", ())
        ours, theirs = (steps_of(values[key], column.key, shape)[0] for values in (parsed, raw))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def record(everything, **sequence):
    base = {key: [] for key in everything.records[0][1]}
    context, full = everything.records[3]
    return sequence_example(context, {**base, **full, **sequence}).SerializeToString()


def test_missing_steps_become_the_mean_the_default_or_the_unknown_term(everything):
    missing = {"lpc": [[1.0, 2.0, 3.0], [], [1.0, 2.0, 3.0]], "count": [4, [], 5], "token": ["a", [], "b"]}
    out = transform(everything, [record(everything, **missing)])
    np.testing.assert_array_equal(out["sequence.lpc"][0, 1], [0, 0, 0])
    np.testing.assert_array_equal(out["sequence.count"][0], [4, -1, 5])
    assert out["sequence.token"][0, 1] == 3


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        ({"lpc": [[1.0, 2.0]] * 3}, "lpc.*: each step must have 3 values or none"),
        ({"token": ["a", ["a", "b"], "c"]}, "token.*: each step must have 1 values or none"),
        ({"lpc": [[1.0, 2.0, 3.0]] * 2}, "different numbers of steps"),
        ({"day": [1, 7, 2]}, r"day.*ids that are out of range.*Expected: ids in \[0, 7\)"),
    ],
)
def test_what_the_spec_excludes_is_an_error_with_the_features_name(everything, sequence, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        transform(everything, [record(everything, **sequence)])


def test_an_empty_batch_gives_empty_tensors(everything):
    out = transform(everything, [])
    assert out["sequence.lpc"].shape == (0, None, 3)
    assert out["label"].shape == (0,)


def test_lists_with_timestamps_are_aligned_with_the_steps(everything, transformed):
    """Between the values as `numpy.interp` has it, and nothing more than two units from any of them."""
    found, expected, measured = [], [], []
    for _, sequence in everything.records:
        at, times, values = (np.array(sequence[key]) for key in ("at", "pulse_at", "pulse"))
        row = np.full(len(at), np.nan)
        if len(times):
            near = np.abs(at[:, None] - times).min(axis=1) <= 2.0
            row[near] = np.interp(at, times, values)[near]
        expected.append(row)
        measured += row[~np.isnan(row)].tolist()
    found = transformed["sequence.pulse"].to_list()
    for row, its in zip(expected, found, strict=True):
        scores = (row - np.mean(measured)) / np.std(measured)
        np.testing.assert_allclose(its, np.where(np.isnan(scores), 0, scores), atol=1e-5)
    names = [term.decode() for term in vocabulary(everything, "sequence_nurse")]
    for (_, sequence), ids in zip(everything.records, transformed["sequence.nurse"].to_list(), strict=True):
        for at, id_ in zip(sequence["at"], ids, strict=True):
            apart = [abs(at - time) for time in sequence["pulse_at"]]
            assert id_ == (names.index(sequence["nurse"][int(np.argmin(apart))]) if apart else len(names))


def test_combinations_have_the_ids_of_tensorflow(everything, transformed):
    """Each as `tf.sparse.cross_hashed` gives it."""

    def crossed(values, buckets):
        sparse = [tf.sparse.from_dense([[v if isinstance(v, str) else v + 1]]) for v in values]
        parts = [tf.SparseTensor(s.indices, s.values - 1, s.dense_shape) if s.dtype != tf.string else s for s in sparse]
        return int(tf.sparse.cross_hashed(parts, buckets).values[0])

    pairs = [zip(s["token"], s["day"], strict=True) for _, s in everything.records]
    expected = [[crossed(pair, 9) for pair in row] for row in pairs]
    assert transformed["sequence.token_and_day"].to_list() == expected
    expected = [crossed((c["city"], c["plan"]), 6) for c, _ in everything.records]
    np.testing.assert_array_equal(transformed["context.city_and_plan"], expected)
