"""What naive answers are counted from is what training and evaluation see, of records as Transform writes them."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.forecasts import HORIZON
from tests.labels import labels_spec
from tests.records import example, write_records
from tfx_sequences.components.naive.head_batches import by_head, known_and_targets, naive_batches, sees_previous_label
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def batch_of(analyzed, spec=None):
    """One batch of all records."""
    spec = spec or analyzed.spec
    graph = tft.TFTransformOutput(analyzed.transform_dir).transform_savedmodel_dir
    loader = saved_transform_io_v2.SavedModelLoader(graph)
    features = loader.apply_transform_model(parse_records(tf.constant(analyzed.serialized), spec))
    return by_head(known_and_targets(features, spec), spec)


def test_steps_targets_and_weights_are_those_of_the_records(all_labels):
    found = batch_of(all_labels)
    tags = tft.TFTransformOutput(all_labels.transform_dir).vocabulary_by_name("vocabulary_label_tag")
    seen = set()
    for index, (context, sequence) in enumerate(all_labels.records):
        weight, steps = context["weight"], len(sequence["tag"])
        tag = found["tag"]
        assert [tags[i].decode() for i in tag.targets[index, :steps]] == sequence["tag"]
        np.testing.assert_allclose(tag.weights[index, :steps], weight * np.array(sequence["sure"]).reshape(-1))
        assert not tag.weights[index, steps:].any() and tag.previous is None
        seen |= set(zip(tag.ids["token"][index, :steps].tolist(), sequence["token"], strict=True))
        after = found["next_frame"]
        np.testing.assert_array_equal(
            after.targets[index, : max(steps - 1, 0)], np.reshape(sequence["frame"][1:], (-1, 2))
        )
        np.testing.assert_array_equal(after.previous[index, :steps], np.reshape(sequence["frame"], (-1, 2)))
        np.testing.assert_allclose(after.weights[index].sum(), weight * max(steps - 1, 0))
        np.testing.assert_allclose(found["place"].targets[index], context["place"])
        assert found["place"].weights[index] == weight
    # Each term has one id.
    assert len(seen) == len({token for _, token in seen}) == 3
    assert found["kind"].ids == {} and found["level"].ids == {}


def test_the_histories_of_forecasts_end_where_the_record_does(forecasts):
    found = batch_of(forecasts)["money"]
    for index, (context, sequence) in enumerate(forecasts.records):
        # `max_length` is 6.
        history = sequence["sales"][-6:]
        assert found.lengths[index] == len(history)
        np.testing.assert_allclose(found.history[index, : len(history)], history, rtol=1e-6)
        np.testing.assert_allclose(found.targets[index], [*context["sales_ahead"], context["scale"]], rtol=1e-6)
    assert found.targets.shape == (24, HORIZON + 1)


@pytest.mark.parametrize(("keys", "shift", "sees"), [(("y",), 1, True), (("x",), 1, False), (("x",), 0, False)])
def test_the_previous_label_is_known_where_it_is_a_feature(keys, shift, sees):
    label = {"key": "y", "per_step": True, "shift": shift}
    spec = SequenceSpec(name="s", sequence={key: {"type": "categorical"} for key in keys}, label=label)
    assert sees_previous_label(spec, spec.label) == sees


def transformed(token, tag, weight):
    """A record as Transform writes it."""
    return example(
        {
            "id": "r",
            "sequence_length": len(token),
            "sequence.token$ragged_values": token,
            "label$ragged_values": tag,
            "example_weight": weight,
            # What is not needed is not even parsed.
            "sequence.frame$ragged_values": "no numbers",
        }
    )


def test_every_record_of_all_files_comes_once_cut_as_in_evaluation(tmp_path):
    random = np.random.default_rng(1)
    records = []
    for number in range(300):
        length = int(random.integers(0, 30))
        records.append((random.integers(0, 5, length).tolist(), random.integers(0, 3, length).tolist(), float(number)))
    files = [
        str(write_records(tmp_path / f"part-{part}.gz", [transformed(*r) for r in records[part::2]])) for part in (0, 1)
    ]
    spec = labels_spec(
        labels={},
        label={"key": "tag", "per_step": True},
        batching={"max_length": 12, "truncate": "head", "drop_shorter_than": 3},
    )
    batches = [b["label"] for b in naive_batches(files, spec, LengthHistogram.of([len(r[0]) for r in records]))]
    rows = [
        row
        for batch in batches
        for row in zip(batch.targets, batch.ids["token"], batch.weights, batch.lengths, strict=True)
    ]
    assert len(rows) == 300
    expected = sorted((w, token[-12:], tag[-12:]) for token, tag, w in records if token)
    found = sorted(
        (float(weights[0]), token[:n].tolist(), target[:n].tolist()) for target, token, weights, n in rows if n
    )
    # A record of weight 0 has no steps that count, but comes.
    assert found == expected
