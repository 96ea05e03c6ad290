"""Numbers normalised by key, in the transform graph and by NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.records import sequence_example
from tfx_sequences.components.features.resolved_columns import checked_columns
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.columns.column import NumericColumn, ZScoreBy
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TESTS = {"sodium": (140.0, 4.0), "creatinine": (1.0, 0.3), "never varies": (7.0, 0.0)}
SPEC = SequenceSpec.model_validate(
    {
        "name": "labs",
        "context": {"weight": {"type": "numeric", "normalizer": {"z_score_by": "ward", "dtype": "int64"}}},
        "sequence": {
            "result": {"type": "numeric", "normalizer": {"z_score_by": "test"}},
            "clipped": {"type": "numeric", "key": "result", "normalizer": {"z_score_by": "test"}, "clip": 0.5},
            "pair": {
                "type": "numeric",
                "shape": (2,),
                "normalizer": {"z_score_by": "ward", "dtype": "int64", "source": "context"},
            },
        },
        "label": {"key": "kind"},
    }
)


def records(number=60, seed=5):
    random = np.random.default_rng(seed)
    made = []
    for index in range(number):
        steps, ward = index % 6, int(index % 3) - 1
        names = [str(name) for name in random.choice(list(TESTS), steps)]
        results = [[float(np.float32(random.normal(*TESTS[name])))] for name in names]
        if steps > 4:
            results[1] = []  # not measured
            names[2] = []  # of no test that is known
        made.append(
            (
                {"kind": "ab"[index % 2], "ward": ward, "weight": float(np.float32(random.normal(70 + 9 * ward, 8)))},
                {
                    "test": names,
                    "result": results,
                    "pair": random.normal([ward, 1e3], [1, 5], (steps, 2)).astype("float32").tolist(),
                },
            )
        )
    return made


@pytest.fixture(scope="module")
def labs(tmp_path_factory):
    return analyzed(SPEC, records(), tmp_path_factory.mktemp("labs"))


def transform(labs, given):
    loader = saved_transform_io_v2.SavedModelLoader(tft.TFTransformOutput(labs.transform_dir).transform_savedmodel_dir)
    serialized = [sequence_example(c, s).SerializeToString() for c, s in given]
    return loader.apply_transform_model(parse_records(tf.constant(serialized, tf.string), SPEC))


def figures(values, keys):
    """By key mean and deviation, as NumPy has them; under None those of all."""
    values, found = np.asarray(values, "float64"), {}
    found[None] = values.mean(0), values.std(0)
    for key in {k for k in keys if k is not None}:
        own = values[[k == key for k in keys]]
        found[key] = own.mean(0), np.where(own.std(0) > 0, own.std(0), found[None][1])
    return found


def of_steps(given):
    values, keys = [], []
    for _, sequence in given:
        for result, test in zip(sequence["result"], sequence["test"], strict=True):
            if result:
                values.append(result[0])
                keys.append(test or None)
    return values, keys


def test_values_of_steps_are_normalised_by_their_key(labs):
    found = transform(labs, labs.records)["sequence.result"].to_list()
    clipped = transform(labs, labs.records)["sequence.clipped"].to_list()
    known = figures(*of_steps(labs.records))
    for (_, sequence), row, clipped_row in zip(labs.records, found, clipped, strict=True):
        expected = []
        for result, test in zip(sequence["result"], sequence["test"], strict=True):
            mean, deviation = known[test or None]
            expected.append((result[0] - mean) / deviation if result else 0.0)
        np.testing.assert_allclose(row, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(clipped_row, np.clip(expected, -0.5, 0.5), rtol=1e-5, atol=1e-5)


def test_a_key_of_the_record_is_that_of_all_its_steps(labs):
    found = transform(labs, labs.records)
    steps = [(pair, c["ward"]) for c, s in labs.records for pair in s["pair"]]
    known = figures([pair for pair, _ in steps], [ward for _, ward in steps])
    expected = [(np.array(pair) - known[ward][0]) / known[ward][1] for pair, ward in steps]
    np.testing.assert_allclose(found["sequence.pair"].values, expected, rtol=1e-4, atol=1e-4)
    wards, weights = zip(*((c["ward"], c["weight"]) for c, _ in labs.records), strict=True)
    known = figures(weights, wards)
    expected = [(w - known[ward][0]) / known[ward][1] for ward, w in zip(wards, weights, strict=True)]
    np.testing.assert_allclose(found["context.weight"], expected, rtol=1e-5)


def test_a_key_that_training_does_not_have_takes_the_figures_of_all(labs):
    values, keys = of_steps(labs.records)
    mean, deviation = figures(values, keys)[None]
    record = (
        {"kind": "a", "weight": 1.0, "ward": 99},
        {"test": ["potassium", [], "sodium"], "result": [4.0, 4.0, 4.0], "pair": [[0.0, 0.0]] * 3},
    )
    found = transform(labs, [record])["sequence.result"].to_list()[0]
    sodium = figures(values, keys)["sodium"]
    np.testing.assert_allclose(found, [*[(4 - mean) / deviation] * 2, (4 - sodium[0]) / sodium[1]], rtol=1e-5)


def test_no_records_at_all_are_transformed(labs):
    assert transform(labs, [])["sequence.result"].to_list() == []


def test_keys_of_fewer_steps_than_values_are_refused(labs):
    record = (
        {"kind": "a", "weight": 1.0, "ward": 0},
        {"test": ["sodium"], "result": [4.0, 4.0], "pair": [[0.0, 0.0]] * 2},
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"its keys .*test.* have different numbers of steps"):
        transform(labs, [record])


def test_a_layer_alone_has_no_figures():
    column = NumericColumn(key="x", is_sequence=True, normalizer=ZScoreBy(z_score_by="k"))
    with pytest.raises(UserInputError, match="needs statistics of training data"):
        checked_columns([column], "SequenceFeatures", True)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"normalizer": {"z_score_by": "k", "source": "sequence"}}, "source: sequence is for a column among"),
        ({"normalizer": {"z_score_by": ""}}, "at least 1 character"),
        ({"normalizer": {"z_score_bi": "k"}}, "Did you mean 'z_score_by'"),
    ],
)
def test_what_cannot_be_declared(column, told):
    with pytest.raises(ValueError, match=told):
        SequenceSpec.model_validate(
            {
                "name": "x",
                "context": {"v": {"type": "numeric", **column}},
                "sequence": {"y": {"type": "numeric"}},
                "label": {"key": "z"},
            }
        )


def test_a_label_cannot_be_the_key():
    with pytest.raises(ValueError, match="the model would see the answer"):
        SequenceSpec.model_validate(
            {
                "name": "x",
                "sequence": {"y": {"type": "numeric", "normalizer": {"z_score_by": "z", "source": "context"}}},
                "label": {"key": "z"},
            }
        )
