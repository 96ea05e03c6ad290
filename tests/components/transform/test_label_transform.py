"""Labels of every kind through Transform's graph, the parse specs and both record formats."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.labels import as_examples, of_examples
from tests.records import example, sequence_example
from tfx_sequences.components.batches.label_batches import checked_labels, pad_labels, targets_and_weights
from tfx_sequences.components.input.record_formats import raw_records, transformed_records
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.schemas.features.parse_specs import make_parse_example_spec, parse_records


def transformed(all_labels, spec=None, serialized=None):
    spec = spec or all_labels.spec
    loader = saved_transform_io_v2.SavedModelLoader(
        tft.TFTransformOutput(all_labels.transform_dir).transform_savedmodel_dir
    )
    return loader.apply_transform_model(parse_records(tf.constant(serialized or all_labels.serialized), spec))


def vocabulary(all_labels, name):
    output = tft.TFTransformOutput(all_labels.transform_dir)
    return [term.decode() for term in output.vocabulary_by_name(f"vocabulary_label_{name}")]


def test_the_parse_spec_is_what_tft_says_of_its_own_records(all_labels):
    theirs = tft.TFTransformOutput(all_labels.transform_dir).transformed_feature_spec()
    assert make_parse_example_spec(all_labels.spec, transformed=True) == theirs


def test_labels_are_indices_numbers_and_vectors_of_their_steps(all_labels):
    out = transformed(all_labels)
    tags, moods, topics = (vocabulary(all_labels, name) for name in ("tag", "moods", "topics"))
    for index, (context, sequence) in enumerate(all_labels.records):
        assert [tags[i] for i in out["label.tag"][index].numpy()] == sequence["tag"]
        assert [[moods[i] for i in step] for step in out["label.moods"][index].to_list()] == sequence["moods"]
        assert [topics[i] for i in out["label.topics"][index].numpy()] == context["topics"]
        assert out["label.next_frame"][index].numpy().tolist() == sequence["frame"]
        np.testing.assert_allclose(out["label.level"][index], sequence["level"])
        np.testing.assert_allclose(out["step_weight.tag"][index], sequence["sure"])
        np.testing.assert_allclose(out["label.place"][index], context["place"])
        assert out["label.kind"][index] == ["good", "bad"].index(context["kind"])


def test_examples_give_the_same_labels(all_labels):
    spec = of_examples(all_labels.spec)
    serialized = [example(features).SerializeToString() for features in as_examples(all_labels.records)]
    ours, theirs = (
        form.batch(tf.constant(records))
        for form, records in ((raw_records(spec), serialized), (raw_records(all_labels.spec), all_labels.serialized))
    )
    for name in spec.labels:
        np.testing.assert_array_equal(ours[1][name], theirs[1][name], err_msg=name)
        np.testing.assert_array_equal(ours[2][name], theirs[2][name], err_msg=name)


def test_balanced_weights_are_of_the_exact_counts(all_labels):
    statistics = task_statistics(all_labels.spec, tft.TFTransformOutput(all_labels.transform_dir), [])
    tags = [tag for _, sequence in all_labels.records for tag in sequence["tag"]]
    head = statistics.heads["tag"]
    assert head.classes == tuple(vocabulary(all_labels, "tag"))
    np.testing.assert_allclose(head.class_weights, [len(tags) / (3 * tags.count(c)) for c in head.classes])
    # The first value of a sequence is nobody's target, for the label is shifted.
    frames = [frame for _, sequence in all_labels.records for frame in sequence["frame"][1:]]
    counts = np.sum(frames, axis=0)
    np.testing.assert_allclose(statistics.heads["next_frame"].class_weights, (len(frames) - counts) / counts)
    topics = [t for context, _ in all_labels.records for t in context["topics"]]
    weights = dict(zip(vocabulary(all_labels, "topics"), statistics.heads["topics"].class_weights, strict=True))
    assert weights == {t: pytest.approx((30 - topics.count(t)) / topics.count(t)) for t in ("sea", "sun")}


def test_batches_of_raw_and_transformed_records_are_the_same(all_labels):
    spec = all_labels.spec
    output = tft.TFTransformOutput(all_labels.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    raw = raw_records(spec, loader.apply_transform_model)
    inputs, targets, weights = raw.batch(tf.constant(all_labels.serialized))
    features = transformed(all_labels)
    again = targets_and_weights(pad_labels(checked_labels(features, spec), spec), spec)
    tf.nest.map_structure(np.testing.assert_array_equal, (targets, weights), again)
    assert inputs["sequence.frame"].shape[:2] == targets["tag"].shape == weights["tag"].shape == (30, 6)
    assert weights["kind"].shape == (30,)
    form = transformed_records(spec, output.transformed_feature_spec())
    assert form.name is not None


def test_raw_batches_keep_what_is_stored(all_labels):
    form = raw_records(all_labels.spec)
    inputs, targets, weights = form.batch(tf.constant(all_labels.serialized))
    assert [t.decode() for t in targets["tag"][5].numpy()] == [*all_labels.records[5][1]["tag"], ""]
    frame = all_labels.records[5][1]["frame"]
    assert targets["next_frame"][5].numpy().tolist()[:4] == frame[1:]
    assert weights["next_frame"][5].numpy().tolist() == [2.5, 2.5, 2.5, 2.5, 0, 0]
    assert "sequence.frame" in inputs and "sequence.tag" not in inputs


@pytest.mark.parametrize(
    ("context", "sequence", "words"),
    [
        ({}, {"tag": ["B-x", "O", "other"]}, "Label tag: a class is not"),
        ({}, {"tag": ["B-x", "O"]}, "'tag' and the sequence features have different numbers of steps"),
        ({}, {"level": [1.0, float("inf"), 2.0]}, "Label level: a value is missing"),
        ({}, {"frame": [[1.0, 0.0], [0.5, 0.0], [0.0, 1.0]]}, "Label frame: a value is neither 0 nor 1"),
        ({"topics": ["sea", "snow"]}, {}, "Label topics: a class is not"),
    ],
)
def test_a_label_that_is_none_is_an_error_where_labels_are_used(all_labels, context, sequence, words):
    first_context, first = all_labels.records[3]
    record = sequence_example({**first_context, **context}, {**first, **sequence}).SerializeToString()
    features = transformed(all_labels, serialized=[record])
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        checked_labels(features, all_labels.spec)
