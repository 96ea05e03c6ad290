"""`fit` with what only some specs have: items of lists as steps, rows, the last blessed model as the baseline."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

import tfx_sequences as tfs
from tests.layouts.ranked_lists import ranked_lists
from tests.layouts.slash_keys import slash_keys
from tests.records import write_records
from tests.rows import frame_of, spec_of
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml

pytestmark = pytest.mark.slow


def test_items_of_lists_are_steps(tmp_path):
    lists = ranked_lists()
    for split, part in (("train", lists[:150]), ("test", lists[150:])):
        write_records(tmp_path / "data" / f"{split}.tfrecord", part)
    spec = spec_from_yaml(
        "{name: lists, record: ELWC, sequence: {cuisine: {type: categorical}, price: {type: numeric}}, "
        "label: {key: relevance, dtype: int64, per_step: true}, training: {folds: 1, epochs: 30}}"
    )
    result = tfs.fit(spec, tmp_path / "data", tmp_path / "out")
    assert result.blessed and result.metrics["accuracy"] == 1.0
    assert result.metrics["step_count"] == sum(len(each.examples) for each in lists[150:])
    answers = list(predict_files(tmp_path / "out", tmp_path / "data" / "test.tfrecord"))
    for answer, each in zip(answers, lists[150:], strict=True):
        cuisines = [item.features.feature["cuisine"].bytes_list.value[0] for item in each.examples]
        assert answer["predicted_class"] == ["1" if cuisine == b"Pizzeria" else "0" for cuisine in cuisines]


def test_rows_are_records(tmp_path):
    frame = visits()
    (tmp_path / "rows").mkdir()
    frame.to_csv(tmp_path / "rows" / "visits.csv", index=False)
    result = tfs.fit(spec_of(more="splits: {group: user}\ntraining: {folds: 1}"), tmp_path / "rows", tmp_path / "out")
    assert result.blessed and result.metrics["accuracy"] > 0.95
    answers = load_model(tmp_path / "out").predict_rows(frame)
    bought = [frame.bought[rows[0]].encode() for rows in answers.rows]
    assert len(bought) == frame.user.nunique()
    assert np.mean(answers.outputs["predicted_class"] == bought) > 0.95


def visits():
    """Users who see the cart buy, whatever else they see."""
    frame = frame_of(3000, users=300)
    cart = frame.page.eq("cart").groupby(frame.user).transform("any")
    return frame.assign(bought=np.where(cart, "yes", "no"))


def test_a_loss_and_metrics_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "own_errors.py").write_text(OWN_ERRORS)
    monkeypatch.syspath_prepend(tmp_path / "package")
    records = slash_keys()
    for split, part in (("train", records[:150]), ("test", records[150:])):
        write_records(tmp_path / "data" / f"{split}.tfrecord", part)
    label = {
        "key": "clip/label/string",
        "loss": "own_errors.squared",
        "measures": ["macro_f1", "mrr"],
        "own_measures": {"brier": "own_errors.squared"},
    }
    plain = {"name": "clips", "sequence": {"image/speed": {"type": "numeric"}}, "label": label}
    spec = SequenceSpec.model_validate({**plain, "training": {"folds": 1, "epochs": 10}})
    result = tfs.fit(spec, tmp_path / "data", tmp_path / "out")
    assert result.blessed and result.metrics["accuracy"] > 0.95
    answers = list(predict_files(tmp_path / "out", tmp_path / "data" / "test.tfrecord"))
    truth = [record.context.feature["clip/label/string"].bytes_list.value[0].decode() for record in records[150:]]
    own = np.array([answer["scores"][word] for answer, word in zip(answers, truth, strict=True)])
    # Of two classes: the scores of the other one are 1 - own.
    np.testing.assert_allclose(result.metrics["brier"], np.mean(2 * (1 - own) ** 2), rtol=1e-4)
    np.testing.assert_allclose(result.metrics["mrr"], np.mean(np.where(own > 0.5, 1, 0.5)), rtol=1e-6)
    expected = f1_score(truth, [answer["predicted_class"] for answer in answers], average="macro")
    np.testing.assert_allclose(result.metrics["macro_f1"], expected, rtol=1e-6)
    assert "macro_f1" in (tmp_path / "out" / "report.html").read_text("utf-8")


OWN_ERRORS = """
import tensorflow as tf


def squared(targets, outputs):
    hot = tf.one_hot(targets, tf.shape(outputs)[-1])
    return tf.reduce_sum((hot - tf.nn.softmax(outputs)) ** 2, axis=-1)
"""


def test_a_model_worse_than_the_last_blessed_one_is_not_pushed(tmp_path):
    write_records(tmp_path / "data" / "train.tfrecord", slash_keys())
    plain = {
        "name": "clips",
        "sequence": {"image/speed": {"type": "numeric"}},
        "label": {"key": "clip/label/string"},
        "training": {"folds": 1, "epochs": 10},
        "evaluation": {"baseline": {"accuracy": {"max_drop": 0.01}}},
    }
    good = tfs.fit(SequenceSpec.model_validate(plain), tmp_path / "data", tmp_path / "out")
    assert good.blessed and good.metrics["accuracy"] > 0.95
    weak = {**plain, "training": {"epochs": 1, "learning_rate": 1e-9, "refit": False}}
    bad = tfs.fit(SequenceSpec.model_validate(weak), tmp_path / "data", tmp_path / "out")
    assert not bad.blessed and len([*(tmp_path / "out" / "pushed_model").iterdir()]) == 1
    assert bad.report["baseline"]["accuracy"] == pytest.approx(good.metrics["accuracy"], abs=1e-9)
    assert any("accuracy" in line for line in bad.report["missed"])
