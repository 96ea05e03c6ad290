import numpy as np
import pytest
import tensorflow as tf

from tests.everything import analyzed
from tests.labels import export_labels
from tests.records import sequence_example, write_records
from tfx_sequences.components.batches.label_batches import labelled_rows, pad_labels, targets_and_weights
from tfx_sequences.components.kinds.distribution import CrossEntropy, Distribution
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.serving.predictor import answers
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.label import Label
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

LABEL = Label(key="y", type="distribution", shape=(3,))
STEPS = Label(key="y", type="distribution", shape=(3,), per_step=True)
RANDOM = np.random.default_rng(2)


def distributions(*shape):
    drawn = RANDOM.gamma(1.0, size=(*shape, 3))
    return (drawn / drawn.sum(-1, keepdims=True)).astype("float32")


def by_numpy(targets, logits):
    logits = np.asarray(logits, "float64")
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -(targets * logs).sum(-1)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_the_cross_entropy(smoothing):
    targets, logits = distributions(5), RANDOM.normal(size=(5, 3)).astype("float32")
    expected = by_numpy(targets * (1 - smoothing) + smoothing / 3, logits)
    np.testing.assert_allclose(CrossEntropy(smoothing)(targets, logits), expected, rtol=1e-5)
    # As Keras has it.
    theirs = tf.keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing, reduction="none")
    np.testing.assert_allclose(CrossEntropy(smoothing)(targets, logits), theirs(targets, logits), rtol=1e-5)


def test_a_one_hot_target_is_that_of_its_class():
    logits = RANDOM.normal(size=(4, 3)).astype("float32")
    classes = np.array([0, 2, 1, 2])
    expected = tf.nn.sparse_softmax_cross_entropy_with_logits(classes, logits)
    np.testing.assert_allclose(CrossEntropy()(np.eye(3)[classes], logits), expected, rtol=1e-6)


@pytest.mark.parametrize("label", [LABEL, STEPS])
def test_figures_are_means_by_weight_and_padding_is_not_looked_at(label):
    shape = (4, 2) if label.per_step else (4,)
    targets, logits = distributions(*shape), RANDOM.normal(size=(*shape, 3)).astype("float32")
    weights = np.array([1.0, 0.0, 2.0, 0.5], "float32")
    if label.per_step:
        weights = weights[:, None] * np.array([1.0, 0.0], "float32")
    targets[weights == 0] = np.nan
    measures = Distribution().measures(label)
    figures = measures.measured(np.sum(measures.sums(tf.constant(targets), tf.constant(logits), weights), axis=0))
    real = weights > 0
    right = targets[real].argmax(-1) == logits[real].argmax(-1)
    np.testing.assert_allclose(
        figures["loss"], np.average(by_numpy(targets, logits)[real], weights=weights[real]), 1e-5
    )
    np.testing.assert_allclose(figures["accuracy"], np.average(right, weights=weights[real]), 1e-6)


def spec_of():
    return SequenceSpec.model_validate(
        {
            "name": "blends",
            "id_key": "id",
            "sequence": {"x": {"type": "numeric", "normalizer": "none"}},
            "labels": {
                "blend": {"key": "blend", "type": "distribution", "shape": [3], "classes": ["a", "b", "c"]},
                "mix": {"key": "mix", "type": "distribution", "shape": [2], "per_step": True, "dtype": "int64"},
            },
            "model": {"units": [4]},
        }
    )


def records(blend=(0.2, 0.3, 0.5)):
    return [
        (
            {"id": f"r{i}", "blend": [1.0, 0.0, 0.0] if i % 2 else list(blend)},
            {"x": [float(t) for t in range(1 + i % 3)], "mix": [[t % 2, 1 - t % 2] for t in range(1 + i % 3)]},
        )
        for i in range(12)
    ]


def checked(folder, spec, given):
    for split in ("train", "valid", "test"):
        write_records(folder / f"{split}.tfrecord", [sequence_example(*record) for record in given])
    return check_data(spec, folder)


def test_check_counts_the_classes_that_have_a_share(tmp_path):
    report = checked(tmp_path, spec_of(), records())
    assert dict(report.splits["train"].classes["blend"]) == {"a": 12, "b": 6, "c": 6}


@pytest.mark.parametrize(
    ("blend", "told"),
    [((0.2, 0.3, 0.4), "the sum 0.9 in the first of"), ((0.7, 0.5, -0.2), "a negative number in the first of")],
)
def test_check_names_vectors_that_are_no_distribution(tmp_path, blend, told):
    with pytest.raises(DataError, match=told):
        checked(tmp_path, spec_of(), records(blend))


def test_records_become_targets_and_answers(tmp_path):
    from tensorflow_transform.saved import saved_transform_io_v2

    from tfx_sequences.schemas.features.parse_specs import parse_records

    spec = spec_of()
    graph = analyzed(spec, records(), tmp_path)
    import tensorflow_transform as tft

    output = tft.TFTransformOutput(graph.transform_dir)
    loader = saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir)
    serialized = tf.constant(graph.serialized)
    rows = labelled_rows(loader.apply_transform_model(parse_records(serialized, spec)), spec)
    targets, weights = targets_and_weights(pad_labels(rows, spec), spec)
    np.testing.assert_allclose(targets["blend"], [c["blend"] for c, _ in records()], rtol=1e-6)
    np.testing.assert_allclose(targets["mix"][2], [[0, 1], [1, 0], [0, 1]])
    np.testing.assert_array_equal(weights["mix"], [[1.0] * (1 + i % 3) + [0.0] * (2 - i % 3) for i in range(12)])
    bad = sequence_example(*records((0.5, 0.6, 0.1))[0]).SerializeToString()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Label blend: a vector is not a distribution"):
        labelled_rows(loader.apply_transform_model(parse_records(tf.constant([bad]), spec)), spec)
    served = export_labels(graph, str(tmp_path / "model"))[0].signatures["serving_default"](examples=serialized)
    found = list(answers({name: value.numpy() for name, value in served.items()}, spec))
    assert [len(row["mix"]["predicted_class"]) for row in found] == [1 + i % 3 for i in range(12)]
    for row in found:
        assert row["blend"]["scores"].keys() == {"a", "b", "c"}
        assert sum(row["blend"]["scores"].values()) == pytest.approx(1)
