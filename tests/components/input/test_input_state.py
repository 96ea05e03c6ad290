"""The saved position of an input, and what must not change before it is used again."""

import dataclasses

import pydantic
import pytest

from tests.components.input.small_inputs import FEATURES, make_spec
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.epoch_reader import Source
from tfx_sequences.components.input.input_state import InputState, source_digest
from tfx_sequences.components.input.record_formats import transformed_records
from tfx_sequences.components.transform.length_histogram import LengthHistogram
from tfx_sequences.errors import UserInputError

STATE = InputState(source="0f", num_workers=2, epoch=3, step=17, position={"batches": 16})


def source(files=("data/a.gz", "data/b.gz"), training=True, lengths=(1, 2, 9), **changes):
    spec = make_spec(**changes)
    plan = make_plan(LengthHistogram.of(lengths), spec.batching)
    return Source(files, spec, transformed_records(spec, FEATURES), plan, training)


def test_a_state_is_json():
    assert InputState.from_json(STATE.to_json()) == STATE
    with pytest.raises(pydantic.ValidationError):
        InputState.from_json('{"source": "0f", "num_workers": 0, "epoch": 0, "step": 0}')


@pytest.mark.parametrize(
    ("digest", "workers", "message"),
    [
        ("0e", 2, r"belongs to a different input[\s\S]*digest 0e, but a state with digest 0f"),
        ("0f", 1, r"a different number of workers[\s\S]*expected: 2 workers[\s\S]*received: 1"),
    ],
)
def test_a_state_of_another_input_is_refused(digest, workers, message):
    STATE.check("0f", 2)
    with pytest.raises(UserInputError, match=message):
        STATE.check(digest, workers)


def test_the_digest_depends_on_everything_that_decides_the_batches():
    spec = source().spec
    seed = spec.training.model_copy(update={"seed": 1})
    reseeded = dataclasses.replace(source(), spec=spec.model_copy(update={"training": seed}))
    digests = [
        source_digest(made)
        for made in (
            source(),
            source(("data/a.gz", "data/c.gz")),
            source(("data/b.gz", "data/a.gz")),
            source(training=False),
            source(lengths=(1, 2, 80)),
            source(batching={"batch_size": 7}),
            reseeded,
        )
    ]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 32 for digest in digests)


def test_the_folder_does_not_matter():
    moved = dataclasses.replace(source(), files=("gs://bucket/a.gz", "gs://bucket/b.gz"))
    assert source_digest(moved) == source_digest(source())
