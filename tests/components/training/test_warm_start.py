import keras
import numpy as np
import pytest

from tfx_sequences.components.network.model import build_model
from tfx_sequences.components.network.named_weights import named_axes, read_weights, weights_by_name, write_weights
from tfx_sequences.components.network.task_statistics import HeadStatistics, TaskStatistics
from tfx_sequences.components.training.warm_start import warm_start
from tfx_sequences.errors import UserInputError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TABLE = "tables/sequence.token_embedding"


def built(terms, classes, seed=1, oov=1, **model):
    """A network of a vocabulary, and its named axes."""
    spec = SequenceSpec(
        name="s",
        sequence={
            "token": {"type": "categorical", "num_oov_buckets": oov, "embedding": {"dimension": 3}},
            "x": {"type": "numeric"},
        },
        label={"key": "y"},
        model={"units": (4,), "cell": "gru", "pooling": "mean", **model},
    )
    keras.utils.set_random_seed(seed)
    network = build_model(
        spec, TaskStatistics({"sequence.token": len(terms) + oov}, {"label": HeadStatistics(tuple(classes))})
    )
    return network, named_axes(network, {"sequence.token_embedding": terms}, {"logits": classes})


def pushed(folder, *arguments, **options):
    """As far as a warm start looks: a SavedModel's files, our card, and the named weights."""
    model, axes = built(*arguments, **options)
    version = folder / "pushed_model" / "1"
    version.mkdir(parents=True)
    (version / "saved_model.pb").touch()
    (version / "tfx_sequences.json").write_text('{"spec": {}}')
    write_weights(str(version), model, axes)
    return {name: np.asarray(variable) for name, variable in weights_by_name(model).items()}


def test_rows_follow_their_terms_and_outputs_their_classes(tmp_path):
    old = pushed(tmp_path, ["a", "b", "c"], ["yes", "no"])
    model, axes = built(["c", "d", "a"], ["no", "maybe", "yes"], seed=2, oov=2)
    before = {name: np.asarray(variable) for name, variable in weights_by_name(model).items()}
    done = warm_start(model, axes, str(tmp_path))
    new = {name: np.asarray(variable) for name, variable in weights_by_name(model).items()}
    # c, d, a and two ids outside of the vocabulary, of which there was one.
    table = [old[TABLE][2], before[TABLE][1], old[TABLE][0], old[TABLE][3], before[TABLE][4]]
    np.testing.assert_array_equal(new[TABLE], table)
    kernel, bias = old["logits/0/kernel"], old["logits/1/bias"]
    expected = np.stack([kernel[:, 1], before["logits/0/kernel"][:, 1], kernel[:, 0]], axis=1)
    np.testing.assert_array_equal(new["logits/0/kernel"], expected)
    np.testing.assert_array_equal(new["logits/1/bias"], [bias[1], before["logits/1/bias"][1], bias[0]])
    assert done.by_name == {
        TABLE: {"matched": 3, "new": 2, "dropped": 1},
        "logits/0/kernel": {"matched": 2, "new": 1, "dropped": 0},
        "logits/1/bias": {"matched": 2, "new": 1, "dropped": 0},
    }
    rest = [name for name in old if name not in done.by_name]
    assert sorted(done.whole) == sorted(rest)
    assert len(rest) == 6
    for name in rest:
        np.testing.assert_array_equal(new[name], old[name])
    assert (done.new, done.dropped, done.other_shape) == ([], [], {})


def test_what_is_of_another_shape_or_in_one_model_only_is_told(tmp_path):
    pushed(tmp_path, ["a"], ["yes", "no"], units=(4, 2))
    model, axes = built(["a"], ["yes", "no"], bidirectional=True, units=(4,))
    done = warm_start(model, axes, str(tmp_path / "pushed_model" / "1"))
    assert {name.split("/")[0] for name in done.dropped} == {"bidirectional_1"}
    assert done.by_name[TABLE] == {"matched": 2, "new": 0, "dropped": 0}
    assert done.other_shape == {"logits/0/kernel": "(4, 2) before, (8, 2) now"}
    words = "\n".join(done.lines())
    assert "logits/0/kernel: newly initialized: (4, 2) before, (8, 2) now" in words
    assert "only in the earlier model, so not used: bidirectional_1/0/kernel" in words


def test_a_model_of_which_nothing_fits_is_an_error(tmp_path):
    pushed(tmp_path, ["a"], ["yes", "no"], units=(4,), bidirectional=False)
    model, axes = built(["b"], ["good", "bad"], oov=0, cell="lstm", units=(5,))
    with pytest.raises(UserInputError, match=r"The model in .* has no weights that match"):
        warm_start(model, axes, str(tmp_path))


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-9], lambda data: b"x" + data[1:2000]])
def test_damaged_weights_are_named(tmp_path, damage):
    pushed(tmp_path, ["a"], ["yes", "no"])
    weights = tmp_path / "pushed_model" / "1" / "assets.extra" / "tfx_sequences_weights.npz"
    weights.write_bytes(damage(weights.read_bytes()))
    with pytest.raises(UserInputError, match=r"its named weights are damaged[\s\S]*tfx_sequences_weights.npz"):
        warm_start(*built(["a"], ["yes", "no"]), str(tmp_path))


def test_no_model_and_a_model_without_names_are_errors(tmp_path):
    model, axes = built(["a"], ["yes", "no"])
    with pytest.raises(UserInputError, match="There is no model of tfx-sequences"):
        warm_start(model, axes, str(tmp_path))
    pushed(tmp_path, ["a"], ["yes", "no"])
    version = tmp_path / "pushed_model" / "1"
    assert read_weights(str(version)) is not None
    (version / "assets.extra" / "tfx_sequences_weights.npz").unlink()
    with pytest.raises(UserInputError, match="its weights have no names"):
        warm_start(model, axes, str(version))


def test_names_are_the_same_in_every_process_and_model():
    first, second = built(["a"], ["yes"])[0], built(["a"], ["yes"])[0]
    assert list(weights_by_name(first)) == list(weights_by_name(second))
    assert {id(v) for v in weights_by_name(first).values()} == {id(v) for v in first.weights}
