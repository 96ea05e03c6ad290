"""Each program of examples/programs is short, and learns what its records hold, from their bytes to served answers."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.records import sequence_example, write_records
from tfx_sequences.components.input.bucket_planning import make_plan
from tfx_sequences.components.input.record_formats import raw_records
from tfx_sequences.components.input.sequence_input import SequenceInput
from tfx_sequences.components.network.model import build_model, compile_model
from tfx_sequences.components.serving.exported_model import RawRecordModel
from tfx_sequences.components.training.fitting import fit
from tfx_sequences.components.training.split_statistics import task_statistics
from tfx_sequences.components.transform.length_histogram import read_histogram
from tfx_sequences.schemas.spec.spec_io import load_spec

FOLDER = Path(__file__).parents[1] / "examples" / "programs"
TRAIN, TEST = 320, 80


def sensor(random):
    """It rises or falls: told by the order of its values alone."""
    steps, rises = random.integers(3, 12), bool(random.integers(2))
    values = np.sort(random.normal(size=(steps, 2)), axis=0)[:: 1 if rises else -1]
    return {"kind": "up" if rises else "down"}, {"sensor": values.tolist()}


def signal(random):
    steps, fast = random.integers(12, 30), bool(random.integers(2))
    angles = np.arange(steps) * (1.6 if fast else 0.5) + random.uniform(0, 6)
    return {"kind": "fast" if fast else "slow"}, {"signal": np.sin(angles).tolist()}


def sentence(random):
    """The sense of the one word that tells is turned round where `not` stands before it."""
    filler = ["the", "film", "plot", "a", "story", "is", "with", "actors"]
    good, turned = (bool(random.integers(2)) for _ in range(2))
    telling = [*(["not"] if turned else []), "good" if good else "bad"]
    before, after = (random.choice(filler, random.integers(1, 5)).tolist() for _ in range(2))
    return {"sentence": " ".join([*before, *telling, *after]), "sentiment": "pos" if good != turned else "neg"}, {}


def tagged(random):
    """A token's tag depends on the token before it."""
    tokens = random.choice(["a", "b", "c"], random.integers(2, 10)).tolist()
    tags = ["B" if before == token else "A" for before, token in zip(["", *tokens], tokens, strict=False)]
    return {}, {"token": tokens, "tag": tags}


def strand(random):
    """Its kind is told by its first base."""
    bases = random.choice(list("ACGT"), random.integers(2, 10)).tolist()
    return {"kind": "purine" if bases[0] in "AG" else "pyrimidine"}, {"base": bases}


def readings(random):
    values = random.uniform(-1, 1, random.integers(1, 8)).astype("float32")
    return {"total": float(values.sum())}, {"reading": values.tolist()}


def wave(random):
    """Of a level, a height and a phase of its own; the period is the same."""
    level, height = 10 ** random.uniform(0, 4), random.uniform(0.1, 0.5)
    steps = np.arange(random.integers(20, 40)) + random.uniform(0, 9)
    return {}, {"value": (level * (1 + height * np.sin(2 * np.pi * steps / 9))).tolist()}


RECORDS = {
    "masked_lstm_classifier": sensor,
    "conv1d_stacked_lstm": signal,
    "lstm_sentiment": sentence,
    "gru_many_to_many": tagged,
    "one_hot_sequences": strand,
    "post_padding": readings,
    "pre_padding": readings,
    "forecast_lstm": wave,
}


def learnt(name, folder):
    """The served answers of the trained program, and the test records' values."""
    spec = load_spec(FOLDER / f"{name}.yaml")
    random = np.random.default_rng(1)
    records = [RECORDS[name](random) for _ in range(TRAIN + TEST)]
    serialized = [sequence_example(context, steps) for context, steps in records]
    files = [str(write_records(folder / f"{i}.tfrecord", serialized[i:TRAIN:2])) for i in range(2)]
    output = tft.TFTransformOutput(analyzed(spec, records[:TRAIN], folder).transform_dir)
    form = raw_records(
        spec, saved_transform_io_v2.SavedModelLoader(output.transform_savedmodel_dir).apply_transform_model
    )
    plan = make_plan(read_histogram(output), spec.batching)
    train, valid = (SequenceInput(files, spec, form, plan, training=training) for training in (True, False))
    statistics = task_statistics(spec, output, train)
    keras.utils.set_random_seed(spec.training.seed)
    model = build_model(spec, statistics)
    compile_model(model, spec, statistics, train.steps_per_epoch)
    fit(model, spec, train, valid.dataset.cache())
    served = RawRecordModel(model, output.transform_savedmodel_dir, spec, statistics)
    answers = served.predict(tf.constant([record.SerializeToString() for record in serialized[TRAIN:]]))
    return {key: value.numpy() for key, value in answers.items()}, records[TRAIN:]


def test_each_program_is_short_and_has_records_here():
    files = sorted(FOLDER.glob("*.yaml"))
    assert {file.stem for file in files} == set(RECORDS)
    for file in files:
        assert len(file.read_text("utf-8").splitlines()) <= 20
        assert load_spec(file).name == file.stem


@pytest.mark.parametrize(
    "name", ["masked_lstm_classifier", "conv1d_stacked_lstm", "lstm_sentiment", "one_hot_sequences"]
)
def test_a_class_of_the_record_is_learnt(name, tmp_path):
    answers, records = learnt(name, tmp_path)
    key = "sentiment" if name == "lstm_sentiment" else "kind"
    hits = [
        said.decode() == context[key] for said, (context, _) in zip(answers["predicted_class"], records, strict=True)
    ]
    assert np.mean(hits) >= 0.95


def test_a_tag_of_each_step_is_learnt(tmp_path):
    answers, records = learnt("gru_many_to_many", tmp_path)
    hits = []
    for said, length, (_, steps) in zip(answers["predicted_class"], answers["sequence_length"], records, strict=True):
        assert length == len(steps["tag"])
        hits += [one.decode() == other for one, other in zip(said[:length], steps["tag"], strict=True)]
    assert np.mean(hits) >= 0.95


def test_both_sides_of_padding_learn_the_same(tmp_path):
    said = {}
    for name in ("post_padding", "pre_padding"):
        (tmp_path / name).mkdir()
        answers, records = learnt(name, tmp_path / name)
        said[name] = answers["predictions"]
        totals = [context["total"] for context, _ in records]
        assert np.mean(np.square(said[name] - totals)) <= 0.05 * np.var(totals)
    np.testing.assert_allclose(said["pre_padding"], said["post_padding"], atol=1e-4)


def test_a_series_goes_on_as_it_does(tmp_path):
    # All steps of a record that is asked about are its history: what follows is told here.
    (answers, records), period = learnt("forecast_lstm", tmp_path), 9
    following = np.array([steps["value"][-period : 4 - period] for _, steps in records])
    last = np.array([steps["value"][-1] for _, steps in records])
    errors = np.abs(answers["predictions"] - following) / following
    assert errors.mean() <= 0.25 * (np.abs(last[:, None] - following) / following).mean()
