"""`fit` on records with missing lists, steps and elements, and times of many digits, as the layout has them."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tests.layouts.monitor import monitor_examples, monitor_records, monitor_spec
from tests.records import write_records
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.requests import serialize_rows
from tfx_sequences.schemas.spec.spec_io import spec_to_yaml

pytestmark = pytest.mark.slow


def test_what_is_missing_and_what_has_many_digits_is_learnt(command, tmp_path):
    data = write_records(tmp_path / "data" / "train.tfrecord", monitor_examples()).parent
    (tmp_path / "spec.yaml").write_text(spec_to_yaml(monitor_spec()))
    checked = command("check", tmp_path / "spec.yaml", "--data", data)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for words in ("(all steps of 40 records)", "sequence.vitals: ", "labels.late: 48 of 240 records", "labels.state: "):
        assert words in checked.stdout
    done = command("fit", tmp_path / "spec.yaml", "--data", data, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "labels.late, 48 of 240 records" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["blessed"] and report["model_check"]["failures"] == []
    assert min(report["metrics"][f"{head}.accuracy"] for head in ("sick", "late", "state")) > 0.95
    assert report["naive"].keys() >= {"sick.accuracy", "late.accuracy", "state.accuracy"}

    # New records: what `predict` answers is right, and the same as the served model's, one by one and from rows.
    new = list(monitor_records(number=48, seed=8))
    told = list(
        predict_files(tmp_path / "out", write_records(tmp_path / "new.tfrecord", monitor_examples(number=48, seed=8)))
    )
    for head in ("sick", "late"):
        # Those without a label are answered too.
        right = [
            context.get(head, answer[head]["predicted_class"]) == answer[head]["predicted_class"]
            for answer, (context, _) in zip(told, new, strict=True)
        ]
        assert np.mean(right) > 0.95
    [folder] = (tmp_path / "out" / "pushed_model").glob("*")
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    rows = [{**c, **{k: [None if x == [] else x for x in v] for k, v in s.items()}} for c, s in new]
    for index, row in enumerate(rows):
        answer = served(tf.constant(serialize_rows(row, monitor_spec())))
        for head in ("sick", "late"):
            expected = list(told[index][head]["scores"].values())
            np.testing.assert_allclose(answer[f"{head}_scores"][0], expected, atol=1e-5)
