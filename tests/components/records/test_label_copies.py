"""Labels that a feature tells: of the same record or step, or of a later step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.layouts.next_events import next_events
from tests.records import example, sequence_example
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.label_copies import LabelCopies, reads_later_steps
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def copies(records, **parts):
    spec = SequenceSpec.model_validate({"name": "test", **parts})
    search = LabelCopies(spec)
    for first in range(0, len(records), 25):
        batch = Batch(Path("train"), first, [r.SerializeToString() for r in records[first : first + 25]])
        parse_batch(batch, spec)
        search.add(batch)
    return search


def found(records, **parts):
    return [(leak.kind, leak.level, leak.what) for leak in copies(records, **parts).found()]


def events(name, **model):
    return found(
        next_events(),
        sequence={"activity": {"type": "categorical"}},
        label={"key": name, "per_step": True},
        model=model,
    )


def test_the_next_event_is_told_to_a_network_that_reads_later_steps():
    what = "The label 'then' is sequence.activity of one step later."
    assert events("then", bidirectional=True) == [("later", "warning", what)]
    same = [{"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "same"}]
    assert events("then", bidirectional=False, front=same) == [("later", "warning", what)]


def test_the_next_event_is_not_told_to_a_causal_network_nor_by_auto():
    assert events("then", bidirectional=False) == []
    assert events("then") == []


def test_what_auto_must_not_read_is_told():
    search = copies(
        next_events(20), sequence={"activity": {"type": "categorical"}}, label={"key": "then", "per_step": True}
    )
    steps = sum(len(r.feature_lists.feature_list["then"].feature) - 1 for r in next_events(20))
    assert search.told_later() == {"label": f"it is sequence.activity of one step later, in all {steps} steps"}


def steps_of(copy, count=40):
    random = np.random.default_rng(1)
    records = []
    for index in range(count):
        tags = random.choice(["B", "I", "O"], 1 + index % 5).tolist()
        lists = {"word": random.choice(["x", "y", "z"], len(tags)).tolist(), "tag": tags, "other": copy(tags)}
        records.append(sequence_example({"kind": "ab"[index % 2], "n": index}, lists))
    return records


TAGS = {"B": "begin", "I": "in", "O": "out"}


@pytest.mark.parametrize(
    ("copy", "column"),
    [
        (list, {"type": "categorical"}),
        (lambda tags: [TAGS[t] for t in tags], {"type": "categorical"}),
        (lambda tags: ["BIO".index(t) for t in tags], {"type": "categorical", "dtype": "int64"}),
        (lambda tags: [float("BIO".index(t)) for t in tags], {"type": "numeric"}),
        (
            lambda tags: [[0.5 * n, float("BIO".index(t))] for n, t in enumerate(tags)],
            {"type": "numeric", "shape": (2,)},
        ),
    ],
)
def test_a_copy_of_the_same_step_is_certain_whatever_its_values_are_called(copy, column):
    [(kind, level, what)] = found(
        steps_of(copy),
        sequence={"word": {"type": "categorical"}, "other": column},
        label={"key": "tag", "per_step": True},
    )
    assert (kind, level) == ("copy", "certain")
    element = "element 1 of " if "shape" in column else ""
    assert what == f"The label 'tag' is a copy of {element}sequence.other."


@pytest.mark.parametrize(
    "copy",
    [
        lambda tags: ["out" if t == "O" else "in" for t in tags],  # says less than the label
        lambda tags: [f"{t}{n}" for n, t in enumerate(tags)],  # says more: a network has to learn which
        lambda tags: ["?", *tags[:-1]],  # the label before
    ],
)
def test_a_feature_that_only_goes_with_the_label_is_not_a_copy(copy):
    columns = {"word": {"type": "categorical"}, "other": {"type": "categorical"}}
    assert found(steps_of(copy), sequence=columns, label={"key": "tag", "per_step": True}) == []


def test_a_copy_that_is_allowed_is_not_told():
    label = {"key": "tag", "per_step": True, "allowed_copies": ("other",)}
    assert found(steps_of(list), sequence={"other": {"type": "categorical"}}, label=label) == []


def test_numbers_that_are_all_different_do_not_pair_up():
    records = [sequence_example({"y": float(i) ** 0.5, "n": float(i)}, {"x": [1.0]}) for i in range(60)]
    parts = {"sequence": {"x": {"type": "numeric"}}, "label": {"key": "y", "type": "regression"}}
    assert found(records, context={"n": {"type": "numeric"}}, **parts) == []
    same = [sequence_example({"y": float(i), "n": float(i)}, {"x": [1.0]}) for i in range(60)]
    [(_, level, what)] = found(same, context={"n": {"type": "numeric"}}, **parts)
    assert (level, what) == ("certain", "The label 'y' is a copy of context.n.")


def test_numbers_that_only_go_with_those_of_the_label_are_not_copies():
    records = [sequence_example({"y": float(i % 3), "n": [7.0, 2.0, 5.0][i % 3]}, {"x": [1.0]}) for i in range(60)]
    label = {"key": "y", "type": "regression"}
    assert found(records, context={"n": {"type": "numeric"}}, sequence={"x": {"type": "numeric"}}, label=label) == []


@pytest.mark.parametrize("kind", ["SequenceExample", "Example"])
def test_a_label_of_the_record_in_its_context_or_in_all_or_the_last_of_its_steps(kind):
    def record(index):
        label, steps = "ab"[index % 2], 2 + index % 3
        context = {"kind": label, "state": {"a": "ill", "b": "well"}[label]}
        lists = {"all": [label] * steps, "last": ["c"] * (steps - 1) + [label], "free": ["abc"[index % 3]] * steps}
        return sequence_example(context, lists) if kind == "SequenceExample" else example({**context, **lists})

    leaks = found(
        [record(i) for i in range(40)],
        record=kind,
        context={"state": {"type": "categorical"}},
        sequence={name: {"type": "categorical"} for name in ("all", "last", "free")},
        label={"key": "kind"},
    )
    assert sorted(leaks) == [
        ("copy", "certain", "The label 'kind' is a copy of context.state."),
        ("copy", "certain", "The label 'kind' is a copy of sequence.all in every step."),
        ("copy", "warning", "The label 'kind' is a copy of sequence.last of the last step."),
    ]


def test_few_pairs_say_nothing():
    columns = {"other": {"type": "categorical"}}
    assert found(steps_of(list, 6), sequence=columns, label={"key": "tag", "per_step": True}) == []


def test_a_feature_that_is_missing_in_some_steps_is_a_copy_of_the_others():
    records = steps_of(lambda tags: [None if n == 0 else t for n, t in enumerate(tags)])
    [leak] = copies(
        records, sequence={"other": {"type": "categorical"}}, label={"key": "tag", "per_step": True}
    ).found()
    assert leak.level == "certain"
    steps = sum(len(r.feature_lists.feature_list["tag"].feature) - 1 for r in records)
    assert f"equal in all {steps} steps" in leak.received


def test_a_label_with_shift_is_compared_with_what_it_is_a_target_of():
    records = [sequence_example({}, {"a": (e := list("abcab"[i % 3 :])), "b": e}) for i in range(40)]
    parts = {"sequence": {"b": {"type": "categorical"}}, "label": {"key": "a", "per_step": True, "shift": 1}}
    # `a` one step later is `b` one step later; at the step itself `b` also tells it, for the events go round.
    kinds = {(kind, level) for kind, level, _ in found(records, **parts, model={"bidirectional": True})}
    assert kinds == {("copy", "certain")}
    random = np.random.default_rng(2)
    records = [sequence_example({}, {"a": (e := random.choice(list("abc"), 5).tolist()), "b": e}) for _ in range(40)]
    assert found(records, **parts, model={"bidirectional": False}) == []
    [(kind, level, _)] = found(records, **parts, model={"bidirectional": True})
    assert (kind, level) == ("later", "warning")


def test_a_builder_decides_for_itself():
    spec = SequenceSpec.model_validate(
        {
            "name": "t",
            "sequence": {"x": {"type": "numeric"}},
            "label": {"key": "y"},
            "model": {"builder": "package.module.function"},
        }
    )
    assert reads_later_steps(spec) == "no"
