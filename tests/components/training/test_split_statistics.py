import numpy as np
import tensorflow_transform as tft

from tfx_sequences.components.network.model import build_model, pretrained_of
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

SPEC = SequenceSpec(name="s", sequence={"x": {"type": "numeric"}}, label={"key": "y", "type": "regression"})

MINIMAL = {"name": "s", "label": {"key": "y"}}


def test_statistics_are_those_of_the_training_split(everything):
    output = tft.TFTransformOutput(everything.transform_dir)
    statistics = task_statistics(everything.spec, output, None)
    assert statistics.heads["label"].classes == ("good", "bad")
    assert statistics.num_ids == {
        "context.age_group": 3,
        "context.city": 2 + 1,
        "context.city_and_plan": 6,
        "context.home_brand": 3 + 1,
        "context.interests": 3 + 1,
        "context.plan": 2 + 2,
        "context.tags": 2,
        "context.title": 5 + 1,
        "sequence.brand": 3 + 1,
        "sequence.day": 7,
        "sequence.genres": 3 + 1,
        "sequence.item": 3,
        "sequence.nurse": 2 + 1,
        "sequence.pair": 2 * 2,
        "sequence.speed": 3,
        "sequence.token": 3 + 1,
        "sequence.token_and_day": 9,
        "sequence.topics": 7,
        "sequence.url": 5,
        "sequence.words": 2 + 1,
    }
    labels = [({}, np.float32([1.0, 2.0]), np.ones(2)), ({}, np.float32([6.0, 99.0]), np.float32([0.5, 0.0]))]
    regression = task_statistics(SPEC, output, labels).heads["label"]
    np.testing.assert_allclose([*regression.mean, *regression.std], [3.0, np.std([1, 2, 6])], rtol=1e-6)


def test_pretrained_vectors_follow_the_computed_vocabulary(everything, tmp_path):
    vectors = tmp_path / "v.txt"
    vectors.write_text("b 1 2\nother 0 0\na 3 4\n", "utf-8")
    embedding = {"vectors_file": str(vectors), "initializer": "zeros"}
    token = {**everything.spec.sequence["token"].model_dump(exclude={"embedding"}), "embedding": embedding}
    columns = {"token": token, "lpc": everything.spec.sequence["lpc"]}
    sequence = SequenceSpec(**MINIMAL, sequence=columns).sequence
    spec = everything.spec.model_copy(update={"sequence": sequence, "context": {}})
    statistics = task_statistics(spec, tft.TFTransformOutput(everything.transform_dir), None)
    terms = list(statistics.terms["sequence.token_embedding"])
    assert sorted(terms) == ["a", "b", "c"]
    model = build_model(spec, statistics)
    [read] = pretrained_of(model).values()
    assert read.report().endswith("pretrained vectors for 2 of 3 terms; none for 'c'")
    weights = model.get_layer("sequence_features").tables.weights_of("sequence.token_embedding")
    given = {"a": [3, 4], "b": [1, 2], "c": [0, 0]}
    np.testing.assert_array_equal(weights, [*(given[t] for t in terms), [0, 0]])
