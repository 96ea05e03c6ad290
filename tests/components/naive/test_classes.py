"""Naive answers of one class on sets whose naive figures are known."""

import numpy as np
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score

from tfx_sequences.components.naive.classes import NaiveClasses
from tfx_sequences.components.naive.head_batches import HeadBatch
from tfx_sequences.schemas.spec.label import Label

# A chain of four states: mostly it stays, or goes one further.
CHAIN = np.array([[0.1, 0.7, 0.1, 0.1], [0.2, 0.1, 0.6, 0.1], [0.0, 0.3, 0.2, 0.5], [0.8, 0.0, 0.1, 0.1]])
STATES = ("a", "b", "c", "d")


def stationary(chain):
    values, vectors = np.linalg.eig(chain.T)
    found = np.real(vectors[:, np.argmax(np.real(values))])
    return found / found.sum()


def walks(seed, rows, steps):
    """States `[rows, steps]` of walks that begin as often in each state as the chain is there."""
    random = np.random.default_rng(seed)
    cumulated = CHAIN.cumsum(axis=1)
    state = random.choice(4, rows, p=stationary(CHAIN))
    walked = [state]
    for _ in range(steps - 1):
        state = (random.random(rows)[:, None] > cumulated[state]).sum(axis=1)
        walked.append(state)
    return np.stack(walked, axis=1)


def next_steps(states, weights=None, shift=1):
    real = np.ones(states.shape, "float32") if weights is None else weights.copy()
    real[:, -shift:] = 0
    return HeadBatch(np.roll(states, -shift, axis=1), real, previous=states, ids={"other": np.zeros_like(states) - 1})


def naive(label, classes, train, test, **options):
    head = NaiveClasses(label, classes, **options)
    for batch in train:
        head.fit(batch)
    for batch in test:
        head.measure(batch)
    return head, head.answers()


def test_the_most_frequent_next_state_of_a_chain_is_right_as_often_as_the_chain_says():
    train, test = walks(0, 2000, 51), walks(1, 2000, 51)
    label = Label(key="s", per_step=True, shift=1)
    _, found = naive(label, STATES, map(next_steps, np.array_split(train, 7)), [next_steps(test)])
    share = stationary(CHAIN)
    accuracy, loss = found["accuracy"], found["loss"]
    # In closed form, within the error of sampling: 100 000 transitions.
    assert accuracy["most frequent after the previous label"] == pytest.approx(share @ CHAIN.max(axis=1), abs=0.006)
    assert accuracy["majority class"] == pytest.approx(share.max(), abs=0.006)
    assert accuracy["previous label repeated"] == pytest.approx(share @ np.diag(CHAIN), abs=0.006)
    logs = np.log(CHAIN, out=np.zeros((4, 4)), where=CHAIN > 0)
    assert loss["frequencies after the previous label"] == pytest.approx(-(share @ (CHAIN * logs).sum(1)), abs=0.01)
    assert loss["class frequencies"] == pytest.approx(-(share @ np.log(share)), abs=0.01)
    # And exactly as NumPy counts on the same split.
    pairs = np.zeros((4, 4))
    np.add.at(pairs, (train[:, :-1].ravel(), train[:, 1:].ravel()), 1)
    before, after = test[:, :-1], test[:, 1:]
    assert accuracy["most frequent after the previous label"] == (pairs.argmax(axis=1)[before] == after).mean()
    assert accuracy["previous label repeated"] == (before == after).mean()
    assert accuracy["majority class"] == (pairs.sum(axis=0).argmax() == after).mean()
    # A feature that is the same everywhere says no more than the majority.
    assert accuracy["most frequent for each 'other'"] == accuracy["majority class"]


def test_weights_and_the_shift_count_as_declared():
    random = np.random.default_rng(8)
    train, test = walks(2, 60, 20), walks(3, 50, 20)
    weights = [random.integers(0, 4, x.shape).astype("float32") / 2 for x in (train, test)]
    label = Label(key="s", per_step=True, shift=3)
    batches = [next_steps(x, w, 3) for x, w in zip((train, test), weights, strict=True)]
    _, found = naive(label, STATES, batches[:1], batches[1:])
    pairs = np.zeros((4, 4))
    np.add.at(pairs, (train[:, :-3], train[:, 3:]), weights[0][:, :-3])
    before, after, its = test[:, :-3], test[:, 3:], weights[1][:, :-3]
    answers = {
        "most frequent after the previous label": pairs.argmax(axis=1)[before],
        "previous label repeated": before,
        "majority class": pairs.sum(axis=0).argmax(),
    }
    for answer, predicted in answers.items():
        assert found["accuracy"][answer] == pytest.approx(np.average(predicted == after, weights=its)), answer


def test_spans_of_naive_tags_are_those_of_seqeval():
    random = np.random.default_rng(9)
    tags = ("O", "B-x", "I-x", "B-y", "I-y")
    ids = random.integers(-1, 9, (80, 10))
    noise = random.random(ids.shape) < 0.2
    states = np.where(noise, random.integers(0, 5, ids.shape), np.maximum(ids, 0) % 5)
    weights = (np.arange(10) < random.integers(0, 11, 80)[:, None]).astype("float32")
    label = Label(key="tag", per_step=True)
    train, test = (
        HeadBatch(states[part], weights[part], ids={"token": ids[part]}) for part in np.split(np.arange(80), 2)
    )
    _, found = naive(label, tags, [train], [test])
    counts = np.zeros((10, 5))
    there = train.weights > 0
    np.add.at(counts, (train.ids["token"][there] + 1, train.targets[there]), 1)
    predicted = counts.argmax(axis=1)[test.ids["token"] + 1]
    lengths = test.weights.sum(axis=1).astype(int)
    true, told = (
        [[tags[i] for i in row[:length]] for row, length in zip(rows, lengths, strict=True) if length]
        for rows in (test.targets, predicted)
    )
    answer = "most frequent for each 'token'"
    assert found["span_f1"][answer] == pytest.approx(f1_score(true, told))
    assert found["span_precision"][answer] == pytest.approx(precision_score(true, told))
    assert found["span_recall"][answer] == pytest.approx(recall_score(true, told))
    # Figures of spans say nothing of an answer that has none.
    outside = HeadBatch(np.array([[0, 0, 1, 2]]), np.ones((1, 4), "float32"))
    assert set(naive(label, tags, [outside], [outside])[1]) == {"accuracy", "loss", "auc"}


def test_a_label_of_the_record_has_a_majority_alone():
    label = Label(key="y")
    train, test = np.repeat([0, 1, 2], [5, 9, 6]), np.repeat([0, 1, 2], [2, 1, 1])
    ones = [np.ones(len(x), "float32") for x in (train, test)]
    _, found = naive(label, ("x", "y", "z"), [HeadBatch(train, ones[0])], [HeadBatch(test, ones[1])])
    shares = np.array([6, 10, 7]) / 23
    assert found["accuracy"] == {"majority class": 0.25}
    assert found["loss"] == {"class frequencies": pytest.approx(-np.log(shares[test]).mean())}
    assert found["auc"].keys() == {"class frequencies"}


def test_answers_of_too_many_pairs_are_left_out_by_name():
    label = Label(key="y", per_step=True)
    batch = HeadBatch(np.arange(100)[None] % 2, np.ones((1, 100), "float32"), ids={"word": np.arange(100)[None]})
    head, found = naive(label, ("a", "b"), [batch], [batch], most_pairs=50)
    assert head.left_out == ["most frequent for each 'word': more than 50 distinct pairs occur"]
    assert found["accuracy"] == {"majority class": 0.5}


def test_one_class_alone_has_no_curve_and_nothing_measured_no_figure():
    label = Label(key="y")
    batch = HeadBatch(np.zeros(4, int), np.ones(4, "float32"))
    _, found = naive(label, ("a", "b"), [batch], [batch])
    assert set(found) == {"accuracy", "loss"} and found["accuracy"]["majority class"] == 1
    empty = HeadBatch(np.zeros(4, int), np.zeros(4, "float32"))
    assert naive(label, ("a", "b"), [batch], [empty])[1] == {}
    assert naive(label, ("a", "b"), [batch], [])[1] == {}
