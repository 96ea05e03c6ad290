"""Naive figures of real sets, as they are published or on the sets' cards; and of all heads of a spec."""

import json
from collections import Counter, defaultdict
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from seqeval.metrics import f1_score
from sklearn.metrics import log_loss

from tests.components.naive.naive_sets import read_set
from tests.labels import labels_spec
from tfx_sequences.components.naive.answers import naive_answers
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.schemas.spec.spec_io import load_spec, spec_from_yaml

EXAMPLES = Path(__file__).parents[3] / "examples"


def naive_of(folder, spec):
    classes, splits = read_set(folder, spec)
    return naive_answers(spec, classes, splits["train"], splits["test"])["figures"]


def example(name):
    return spec_from_yaml((EXAMPLES / name / "spec.yaml").read_text())


def best(figures, metric):
    return figures[metric][0]["answer"], figures[metric][0]["value"]


@pytest.mark.parametrize(("name", "smape", "mase"), [("m4_weekly", 9.161, 2.777), ("m1_yearly", 22.4322, 4.8943)])
def test_the_naive_forecast_is_the_published_one(shared_data, name, smape, mase):
    folder = shared_data(name)
    found = naive_of(folder, example(name))
    digits = {"m4_weekly": 3, "m1_yearly": 4}[name]
    for metric, value in (("smape", smape), ("mase", mase)):
        answer, figure = best(found, metric)
        assert (answer, round(figure, digits)) == ("last value repeated", value)
    card = json.loads((folder / "dataset.json").read_text())
    assert f"{smape}/{mase}" in str(card["reference_results"]) or str(smape) in str(card["plain_keras_baseline"])


def test_the_majority_of_syllables_is_that_of_the_sets_card(shared_data):
    folder = shared_data("cmudict")
    answer, value = best(naive_of(folder, example("cmudict")), "accuracy")
    card = json.loads((folder / "dataset.json").read_text())
    assert (answer, round(value, 3)) == ("majority class", card["plain_keras_baseline"][0]["majority"])


def test_the_naive_keys_of_a_chorale_are_those_of_the_sets_card(shared_data):
    folder = shared_data("jsb_chorales")
    spec = example("jsb_chorales")
    # As 0 and 1, which says which keys are down; normalised numbers do not.
    frame = spec.sequence["frame"].model_copy(update={"normalizer": "none"})
    spec = spec.model_copy(update={"sequence": {"frame": frame}})
    found = {x["answer"]: x["value"] for x in naive_of(folder, spec)["loss"]}
    card = json.loads((folder / "dataset.json").read_text())
    # The card smooths in another way.
    assert found["class frequencies"] == pytest.approx(card["plain_keras_baseline"][0]["unigram_nll"], abs=0.002)
    # Keys go on from one frame to the next.
    assert found["frequencies after the step's 'frame'"] < found["class frequencies"] - 0.5


def test_the_naive_tags_of_snips_are_those_of_counters_and_seqeval(shared_data):
    folder = shared_data("snips")
    spec = example("snips")
    found = naive_of(folder, spec)
    train, test = (read_tags(next(folder.glob(f"{split}-*"))) for split in ("train", "test"))
    tags: Counter[str] = Counter()
    of_token = defaultdict(Counter)
    for tokens, slots in train:
        tags.update(slots)
        for token, slot in zip(tokens, slots, strict=True):
            of_token[token][slot] += 1
    # Of equally frequent ones that of the lower index, as many times as the tag comes at all.
    order = {tag: index for index, tag in enumerate(sorted(sorted(tags), key=lambda tag: -tags[tag]))}

    def most_frequent(token):
        its = of_token.get(token) or tags
        return min(its, key=lambda tag: (-its[tag], order[tag]))

    told = [[most_frequent(token) for token in tokens] for tokens, _ in test]
    true = [slots for _, slots in test]
    right = np.mean([a == b for rows in zip(told, true, strict=True) for a, b in zip(*rows, strict=True)])
    answer = "most frequent for each 'token'"
    assert best(found, "slot.accuracy") == (answer, pytest.approx(right))
    assert best(found, "slot.span_f1") == (answer, pytest.approx(f1_score(true, told)))
    [of_intent, of_slot] = json.loads((folder / "dataset.json").read_text())["plain_keras_baseline"]
    assert best(found, "intent.accuracy") == ("majority class", pytest.approx(of_intent["majority"], abs=5e-5))
    # The card takes the first seen of equally frequent tags.
    assert right == pytest.approx(of_slot["most_frequent_tag_accuracy"], abs=0.002)
    assert best(found, "slot.span_f1")[1] == pytest.approx(of_slot["most_frequent_span_f1"], abs=0.003)


def read_tags(file):
    rows = []
    for record in read_records(file):
        lists = tf.train.SequenceExample.FromString(record).feature_lists.feature_list
        rows.append([[f.bytes_list.value[0].decode() for f in lists[key].feature] for key in ("token", "slot")])
    return rows


def test_nine_speakers_who_are_trained_with_alike_are_guessed_at_random():
    folder = Path(str(resources.files("tfx_sequences"))) / "examples_data" / "japanese_vowels"
    found = naive_of(folder, load_spec("japanese_vowels"))
    # 30 utterances of each: the first one stands for all, and has 31 of 370.
    assert best(found, "accuracy") == ("majority class", pytest.approx(31 / 370))
    assert best(found, "loss") == ("class frequencies", pytest.approx(np.log(9)))
    assert best(found, "auc") == ("class frequencies", 0.5)


def test_each_head_has_its_own_and_the_best_answer_stands_first():
    spec = labels_spec(
        labels={"kind": {"key": "kind"}, "level": {"key": "level", "type": "regression", "per_step": True, "shift": 1}}
    )
    kinds, ones = np.array([0, 0, 1]), np.ones(3, "float32")
    levels = np.array([[1.0, 1.0, 2.0, 0.0]]).repeat(3, axis=0)
    real = np.array([[1, 1, 0, 0]], "float32").repeat(3, axis=0)
    batch = {"kind": HeadBatch(kinds, ones), "level": HeadBatch(np.roll(levels, -1, axis=1), real, previous=levels)}
    found = naive_answers(spec, {"kind": ["good", "bad"]}, [batch], [batch])
    assert found["left_out"] == []
    figures = found["figures"]
    assert figures["kind.accuracy"] == [{"answer": "majority class", "value": pytest.approx(2 / 3)}]
    frequencies = np.array([3, 2]) / 5
    expected = log_loss(kinds, np.tile(frequencies, (3, 1)))
    assert figures["kind.loss"] == [{"answer": "class frequencies", "value": pytest.approx(expected)}]
    # Targets 1 and 2: the mean misses both by a half, the previous value the second one by 1.
    assert [x["answer"] for x in figures["level.mean_squared_error"]] == ["training mean", "previous value repeated"]
    assert [x["value"] for x in figures["level.mean_squared_error"]] == [0.25, 0.5]
    assert set(figures) == {
        *(f"kind.{m}" for m in ("accuracy", "loss", "auc")),
        *(f"level.{m}" for m in ("mean_squared_error", "mean_absolute_error")),
    }
