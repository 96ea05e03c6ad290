"""What `check` says of features that belong to each other."""

import pytest

from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def spec_of(**parts):
    return SequenceSpec.model_validate({"name": "test", "id_key": "id", "label": {"key": "kind"}, **parts})


def checked(folder, spec, records):
    for split in ("train", "valid", "test"):
        write_records(folder / f"{split}.tfrecord", [sequence_example(*record) for record in records])
    return check_data(spec, folder)


def weighted(steps, **context):
    records = [
        (
            {"id": f"r{i}", "kind": "ab"[i % 2], "tag": ["x", "y"], "share": [0.5, 2.0]},
            {"k": [["p"], []], "w": [[1], []]},
        )
        for i in range(4)
    ]
    records[2][0].update(context)
    records[2][1].update(steps)
    return records


WEIGHTED = {
    "context": {"tag": {"type": "categorical", "weighted_by": "share"}},
    "sequence": {"k": {"type": "categorical", "weighted_by": "w", "weight_dtype": "int64"}},
}


def test_weights_that_fit_are_in_order(tmp_path):
    assert checked(tmp_path, spec_of(**WEIGHTED), weighted({})).splits["train"].steps == 8


@pytest.mark.parametrize(
    ("steps", "context", "told"),
    [
        (
            {"w": [[1], [2]]},
            {},
            r"sequence.k and its weights 'w' have different[\s\S]*of each step[\s\S]*the first: 2 \('r2'\)",
        ),
        ({"w": [[1]]}, {}, r"sequence.k and its weights 'w' have different"),
        ({}, {"share": [0.5]}, r"context.tag and its weights 'share'[\s\S]*of each record[\s\S]*the first: 2 "),
        ({}, {"share": [0.5, float("nan")]}, r"the feature 'share' of context.tag has a value that is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, steps, context, told):
    with pytest.raises(DataError, match=f"(?i){told}"):
        checked(tmp_path, spec_of(**WEIGHTED), weighted(steps, **context))
