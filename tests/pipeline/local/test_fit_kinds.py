"""`fit` with what only some specs have: items of lists as steps, rows, the last blessed model as the baseline."""

import numpy as np
import pytest

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
