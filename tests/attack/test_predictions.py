"""Mutated records are predicted, refused by name, or counted; the answers of good neighbours do not change."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import tensorflow as tf

from tests.attack.small_models import KINDS, exported, good_records, mutants
from tests.records import write_records
from tfx_sequences.components.serving.loaded_model import load_model
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.components.serving.predictor import Failures, outputs_of
from tfx_sequences.errors import DataError

PER_ROUND = 1000
_MOST_GROWTH = 600 << 20


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_answer_or_count_every_record(kind, rounds, tally, tmp_path):
    model = load_model(exported(kind, tmp_path))
    good = list(good_records(kind)[:100])
    [(_, alone, _)] = outputs_of(model, tf.constant(good), str)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    for random in rounds(1):
        records = mutants(kind, random, PER_ROUND)
        # A good record before each ten mutated ones.
        mixed = [r for at in range(100) for r in (good[at], *records[at * 10 : at * 10 + 10])]
        file = write_records(tmp_path / "mixed.tfrecord", mixed)
        failures, found = Failures(), []
        for at in range(0, len(mixed), 256):
            part = tf.constant(mixed[at : at + 256])
            for rows, outputs, _ in outputs_of(model, part, lambda row, at=at: f"{row + at}", failures):
                found += [(row + at, outputs["scores"][n]) for n, row in enumerate(rows)]
        assert len(found) + failures.count == len(mixed)
        tally.add("predict", "answered", len(found) - 100)
        tally.add("predict", "counted", failures.count)
        scores = dict(found)
        for at in range(100):
            assert np.allclose(scores[at * 11], alone["scores"][at], rtol=0, atol=1e-6)
        if kind == "SequenceExample":
            again = Failures()
            assert len(list(predict_files(model.folder, file, on_failure=again))) == len(found)
            assert again.count == failures.count
        for record in records[:100]:
            try:
                model.run("serving_default", {"examples": np.array([record], object)})
                tally.add("requests", "answered")
            except DataError as error:
                assert error.received and error.fix
                tally.add("requests", "refused")
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - before < _MOST_GROWTH
