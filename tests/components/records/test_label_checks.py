"""The data check of labels of steps, of several classes, and vectors."""

import pytest

from tests.labels import labels_spec, plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError


def checked(folder, records, **changes):
    write_records(folder / "train.tfrecord", [sequence_example(c, s) for c, s in records])
    for split in ("valid", "test"):
        write_records(folder / f"{split}.tfrecord", [sequence_example(c, s) for c, s in plain_records()])
    return check_data(labels_spec(**changes), folder)


def changed(index, context=None, **sequence):
    records = plain_records()
    records[index] = ({**records[index][0], **(context or {})}, {**records[index][1], **sequence})
    return records


def test_classes_are_counted_head_by_head(tmp_path):
    classes = checked(tmp_path, plain_records()).splits["train"].classes
    tags = [tag for _, sequence in plain_records() for tag in sequence["tag"]]
    assert classes["tag"] == {tag: tags.count(tag) for tag in classes["tag"]}
    frames = [frame for _, sequence in plain_records() for frame in sequence["frame"]]
    assert classes["next_frame"] == {str(i): sum(f[i] for f in frames) for i in (0, 1)}
    assert classes["kind"] == {"good": 20, "bad": 10}
    assert set(classes) == {"tag", "next_frame", "moods", "kind", "topics"}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (changed(3, tag=["O", "O"]), ["different numbers of steps", "the label 'tag' 2", "record 3 ('r3')"]),
        (changed(3, sure=[1.0] * 4), ["different numbers of steps", "the step weight 'sure' 4", "record 3 ('r3')"]),
        (changed(3, tag=["O", ["O", "O"], "O"]), ["The label 'tag' has several values", "one value in each step"]),
        (changed(3, sure=[1.0, [], 1.0]), ["The step weight 'sure' is missing in a step", "step 1 of record 3"]),
        (changed(3, sure=[1.0, -1.0, 1.0]), ["The step weight 'sure' is negative", "record 3 ('r3')"]),
        (changed(3, level=[1.0, float("inf"), 0.0]), ["The label 'level' has a value that is not finite"]),
        (changed(3, frame=[[1.0, 0.0], [2.0, 0.0], [0.0, 0.0]]), ["neither 0 nor 1", "2 in record 3 ('r3')"]),
        (
            changed(3, {"place": [1.0]}),
            ["The label 'place' has a different number of values than the 2 of its shape", "record 3 ('r3')"],
        ),
        (changed(3, {"kind": "goood"}), ["`labels.kind.classes`", "The closest is 'good'"]),
    ],
)
def test_a_label_that_cannot_be_is_told_with_its_record(tmp_path, records, words):
    with pytest.raises(DataError) as caught:
        checked(tmp_path, records)
    for word in words:
        assert word in str(caught.value)


def test_a_class_of_steps_that_training_never_has_is_told(tmp_path):
    def without(tag):
        return [(c, {**s, "tag": ["O" if t == tag else t for t in s["tag"]]}) for c, s in plain_records()]

    with pytest.raises(DataError, match=r"class of the label 'tag' that no training step has[\s\S]*labels.tag.classes"):
        checked(tmp_path, without("I-x"))


def test_a_label_on_the_other_side_of_the_record_is_told(tmp_path):
    labels = {"tag": {"key": "tag"}}
    with pytest.raises(DataError, match=r"'tag' is a sequence feature[\s\S]*per_step: true"):
        checked(tmp_path, plain_records(), labels=labels)
    labels = {"kind": {"key": "kind", "per_step": True}}
    with pytest.raises(DataError, match=r"'kind' is a context feature[\s\S]*one value per step"):
        checked(tmp_path, plain_records(), labels=labels)
