"""Proposals after a look at the records: what is left out, which network and splits they have, and why."""

from __future__ import annotations

import numpy as np
import pytest

from tests.layouts.next_events import next_events
from tests.layouts.slash_keys import slash_keys
from tests.layouts.user_groups import user_groups
from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.components.records.leaks import raise_certain
from tfx_sequences.components.records.paths import path_of
from tfx_sequences.errors import DataError
from tfx_sequences.pipeline.commands.propose_command import _proposed

pytestmark = pytest.mark.slow


def proposed(folder, records, *label, **splits):
    """The proposal for these training records (and those of other splits), which its own check accepts."""
    for name, others in {"train": records, **splits}.items():
        write_records(folder / f"{name}.tfrecord", others)
    proposal = _proposed(path_of(folder), label=list(label) or None, name="t")
    raise_certain(check_data(proposal.spec, folder).leaks)
    return proposal


def left_out(proposal):
    return {note.about: note.text for note in proposal.left_out}


def notes(proposal, about):
    return " ".join(note.text for note in proposal.notes if note.about == about)


def test_keys_with_slashes_tell_id_and_label(tmp_path):
    spec = proposed(tmp_path, slash_keys(60)).spec
    assert (spec.id_key, spec.label.key) == ("example/id", "clip/label/string")
    assert set(spec.sequence) == {"image/speed", "region/label/string"}


def test_groups_become_the_split(tmp_path):
    proposal = proposed(tmp_path, user_groups(60, 4), "kind")
    assert proposal.spec.splits.group == "user_id"
    assert proposal.spec.id_key == "id"
    assert not proposal.spec.context
    assert "60 values, 4.0 records each, whose records have the same label" in notes(proposal, "splits")
    assert "splits.group" in left_out(proposal)["context.user_id"]


def test_few_groups_get_larger_shares_or_none(tmp_path):
    # With seven users, a tenth of the hashes may hold none of them.
    few = proposed(tmp_path / "few", user_groups(7, 9), "kind").spec
    report = check_data(few, tmp_path / "few")
    assert all(report.held_back.values())
    with_files = proposed(
        tmp_path / "files", user_groups(12, 5), "kind", valid=user_groups(5, 2), test=user_groups(5, 2, seed=5)
    )
    assert with_files.spec.splits.group is None
    assert "Records with the same 'user_id'" in notes(with_files, "check")


def test_the_label_of_the_next_event_has_a_causal_network(tmp_path):
    records = next_events(80)
    proposal = proposed(tmp_path, records, "then")
    assert proposal.spec.model.bidirectional is False
    steps = sum(len(r.feature_lists.feature_list["then"].feature) - 1 for r in records)
    assert f"it is sequence.activity of one step later, in all {steps} steps" in notes(proposal, "model")
    # A string that is another one in each record names it.
    assert proposal.spec.id_key == "case"
    assert "a different value in each of the 80 records" in notes(proposal, "id_key")


def test_other_labels_of_steps_may_read_later_ones(tmp_path):
    random = np.random.default_rng(3)
    records = []
    for _ in range(30):
        words = random.choice(list("abc"), 5).tolist()
        records.append(sequence_example({}, {"word": words, "tag": ["n" if word == "c" else "v" for word in words]}))
    proposal = proposed(tmp_path, records)
    assert proposal.spec.label.key == "tag" and proposal.spec.label.per_step
    assert proposal.spec.model.bidirectional == "auto"
    assert "model: {bidirectional: false}" in notes(proposal, "label")


def test_constants_copies_and_numbers_that_name_records_are_left_out_and_named(tmp_path):
    records = []
    for i in range(40):
        context = {"label": "ab"[i % 2], "code": i % 2, "version": 3, "source": "web", "visit_id": i}
        records.append(sequence_example(context, {"x": [float(i), 1.0], "unit": ["kg", "kg"]}))
    proposal = proposed(tmp_path, records)
    assert set(proposal.spec.sequence) == {"x"}
    assert not proposal.spec.context
    out = left_out(proposal)
    assert out["context.version"] == "constant: '3' in all 40 records"
    assert out["context.source"] == "constant: 'web' in all 40 records"
    assert out["sequence.unit"] == "constant: 'kg' in all 40 records"
    assert "a copy of context.code" in out["context.code"]
    assert "so it identifies them" in out["context.visit_id"]


def test_a_flat_drawing_beside_its_shape_is_read_as_steps_of_three(tmp_path):
    random = np.random.default_rng(1)
    records = []
    for i in range(30):
        points = 3 + i % 5
        ink = random.normal(0, 1, 3 * points).tolist()
        records.append(example({"ink": ink, "shape": [points, 3], "class_index": [i % 4]}))
    proposal = proposed(tmp_path, records)
    assert proposal.spec.sequence["ink"].shape == (3,)
    assert proposal.spec.label.key == "class_index"
    assert "'shape' contains its shape" in notes(proposal, "sequence.ink")
    assert not proposal.spec.context


def test_a_vector_beside_one_numeric_sequence_is_a_forecast(tmp_path):
    records = []
    for i in range(30):
        context = {"name": f"s{i}", "scale": 1.5 + i, "future": [1.0, 2.0, float(i)]}
        records.append(sequence_example(context, {"value": [float(i), 2.0, 5.0]}))
    label = proposed(tmp_path, records).spec.label
    assert (label.type, label.key, label.horizon) == ("forecast", "future", 3)
    assert (label.target, label.mase_scale) == ("value", "scale")


def test_times_are_known_by_their_magnitude(tmp_path):
    records = []
    for i in range(40):
        times = [1_528_917_632_000 + 1000 * n * (i + 1) for n in range(3)]
        records.append(sequence_example({"label": "ab"[i % 2], "count": i}, {"x": [1.0 * i, 2.0, 3.0], "at": times}))
    proposal = proposed(tmp_path, records)
    assert (proposal.spec.sequence["at"].type, proposal.spec.sequence["at"].unit) == ("time", "ms")
    assert proposal.spec.context["count"].type == "numeric"
    assert "times in ms" in notes(proposal, "sequence.at")


def test_two_labels_make_two_heads(tmp_path):
    records = []
    for i in range(40):
        tags = ["u" if i % 3 else "v", "w"]
        records.append(sequence_example({"mood": "ab"[i % 2]}, {"x": [float(i), 0.5], "tag": tags}))
    spec = proposed(tmp_path, records, "mood", "tag").spec
    assert spec.label is None
    assert {name: (label.key, label.per_step) for name, label in spec.labels.items()} == {
        "mood": ("mood", False),
        "tag": ("tag", True),
    }
    assert set(spec.sequence) == {"x"} and not spec.context


def test_vectors_of_0_and_1_are_classes(tmp_path):
    records = [sequence_example({}, {"x": [float(i), 2.0], "label": [[i % 2, 1, 0]] * 2}) for i in range(60)]
    assert proposed(tmp_path, records).spec.label.type == "multi_label"


def test_ids_of_groups_are_not_ids_of_records(tmp_path):
    records = [sequence_example({"patientId": f"p{i // 3}", "label": "ab"[i % 2]}, {"x": [1.0 * i]}) for i in range(90)]
    proposal = proposed(tmp_path, records)
    assert proposal.spec.id_key is None
    assert proposal.spec.splits.group == "patientId"


def test_lists_of_another_rate_are_left_out_and_named(tmp_path):
    records = []
    for i in range(60):
        steps = 2 + i % 4
        lists = {"x": [float(i)] * steps, "y": [1.0 * n for n in range(steps)], "pulse": [float(i)] * (5 * steps)}
        records.append(sequence_example({"label": "ab"[i % 2]}, lists))
    proposal = proposed(tmp_path, records)
    assert set(proposal.spec.sequence) == {"x", "y"}
    assert left_out(proposal)["sequence.pulse"].startswith("10 steps where 'sequence.x' has 2, in 60 records")


def test_classes_that_only_the_test_has_count_as_wrong(tmp_path):
    def part(kinds):
        return [sequence_example({"label": kind}, {"x": [float(i), 1.0]}) for i, kind in enumerate(kinds)]

    proposal = proposed(tmp_path, part("abab" * 10), valid=part("ab" * 5), test=part("abcdd"))
    assert proposal.spec.label.unseen == "wrong"
    assert "'d' in 2 records, 'c' in 1 record" in notes(proposal, "check")


def test_numbers_outside_of_the_training_range_are_noted(tmp_path):
    def part(numbers):
        contexts = [{"label": "ab"[i % 2], "recording": i} for i in numbers]
        return [sequence_example(context, {"x": [0.5, context["recording"] % 7 * 1.0]}) for context in contexts]

    proposal = proposed(tmp_path, part([*range(5, 50)] * 2), valid=part(range(5, 50)), test=part(range(5)))
    assert "context.recording: 100% of the values of test" in notes(proposal, "check")


def test_records_that_a_check_refuses_are_told_in_the_file(tmp_path):
    records = [sequence_example({"label": "ab"[i % 2]}, {"x": [float("inf"), 1.0 * i]}) for i in range(20)]
    write_records(tmp_path / "train.tfrecord", records)
    proposal = _proposed(path_of(tmp_path), label=None, name="t")
    assert "the check rejects the records" in notes(proposal, "records")


def test_ids_of_records_and_of_steps_are_left_out_even_where_some_are_missing(tmp_path):
    records = [
        sequence_example(
            {"label": "ab"[i % 2], **({"query_id": i} if i % 5 else {})},
            {"price": [1.0 * i, 2.0], "document_id": [10 * i, 10 * i + 1]},
        )
        for i in range(40)
    ]
    proposal = proposed(tmp_path, records)
    assert set(proposal.spec.columns) == {"sequence.price"}
    assert left_out(proposal)["context.query_id"] == "an id: 32 values, all different"
    assert left_out(proposal)["sequence.document_id"] == "an id: 80 values, all different"


def test_labels_of_zeros_and_ones_and_one_hot_vectors_are_classes(tmp_path):
    def label_of(value):
        records = [sequence_example({"label": value(i)}, {"x": [1.0 * i, 2.0], "y": [0.5, 1.0 * i]}) for i in range(60)]
        return proposed(tmp_path / str(len(list(tmp_path.iterdir()))), records, "label").spec.label

    number = label_of(lambda i: float(i % 2))
    assert (number.type, number.shape, number.classes) == ("multi_label", (1,), ("1",))
    assert label_of(lambda i: np.eye(3)[i % 3].tolist()).type == "distribution"
    assert label_of(lambda i: [0.25 + 0.5 * (i % 2), 0.75 - 0.5 * (i % 2)]).type == "distribution"
    assert label_of(lambda i: [float(i % 2), 1.0, 0.0]).type == "multi_label"
    assert label_of(lambda i: i % 2 + 0.5).type == "regression"
    # A vector beside one numeric sequence is a forecast, unless its numbers always add up to 1.
    records = [sequence_example({"label": np.eye(3)[i % 3].tolist()}, {"x": [1.0 * i, 2.0]}) for i in range(60)]
    assert proposed(tmp_path / "beside", records, "label").spec.label.type == "distribution"


def test_a_class_below_zero_is_a_missing_label_where_it_can_be_nothing_else(tmp_path):
    def phases(name, codes):
        records = [sequence_example({}, {"x": [1.0 * i] * 3, "phase": [codes[i % len(codes)]] * 3}) for i in range(60)]
        return proposed(tmp_path / name, records, "phase")

    unknown = phases("unknown", (0, 1, 2, -1))
    assert unknown.spec.label.missing_value == -1
    direction = phases("direction", (-1, 0, 1))
    assert direction.spec.label.missing_value is None
    assert "if it is unknown: missing_value: -1" in notes(direction, "label")
    assert "-1" not in notes(phases("codes", (-1, 1)), "label")


def test_a_list_that_repeats_the_label_is_a_copy(tmp_path):
    records = [
        sequence_example({"label": i % 3, "segment_labels": [i % 3] * (1 + i % 4)}, {"x": [1.0 * i, 2.0]})
        for i in range(60)
    ]
    proposal = proposed(tmp_path, records, "label")
    assert not proposal.spec.context
    assert "is a copy of context.segment_labels" in left_out(proposal)["context.segment_labels"]


def test_empty_strings_are_missing_labels(tmp_path):
    records = [sequence_example({"label": ("a", "b", "")[i % 3]}, {"x": [1.0 * i, 2.0]}) for i in range(60)]
    proposal = proposed(tmp_path, records)
    assert proposal.spec.label.classes == ("a", "b") and not notes(proposal, "records")


def test_examples_without_lists_of_varying_length(tmp_path):
    tracks = [
        example(
            {
                "scenario/id": f"s{i}",
                "label": "ab"[i % 2],
                "past/x": [1.0 * i] * 10,
                "past/y": [0.5 * n for n in range(10)],
                "future/x": [1.0 * i] * 8,
            }
        )
        for i in range(40)
    ]
    spec = proposed(tmp_path / "tracks", tracks).spec
    assert (set(spec.sequence), set(spec.context)) == ({"past/x", "past/y"}, {"future/x"})


@pytest.mark.parametrize(
    ("features", "fix"),
    [
        ({f"blob/{n}": b"\xff\x00" * 9 for n in range(12)}, "'blob/0', 'blob/1', 'blob/2' and 9 more are the steps"),
        ({"name": "s", "audio": b"\xff\x00"}, "the bytes of 'audio' contain the steps"),
    ],
)
def test_examples_without_steps_are_refused_by_name(tmp_path, features, fix):
    records = []
    for i in range(20):
        own = {
            key: value * (1 + i) if key == "audio" else f"s{i}" if key == "name" else value
            for key, value in features.items()
        }
        records.append(example({"label": "ab"[i % 2], **own}))
    write_records(tmp_path / "train.tfrecord", records)
    with pytest.raises(DataError, match="could be the steps") as error:
        _proposed(path_of(tmp_path), label=["label"], name="t")
    assert fix in str(error.value)


def test_numbers_and_times_as_text_are_noted(tmp_path):
    records = [
        sequence_example(
            {"label": "ab"[i % 2]},
            {
                "price": [f"{i}.5", f"{i}.25"],
                "at": [f"2024-01-{1 + i % 28:02d}T10:00:00.000+01:00"] * 2,
                "code": ["1", "2"],
            },
        )
        for i in range(40)
    ]
    proposal = proposed(tmp_path, records)
    assert "numbers as text" in notes(proposal, "sequence.price")
    assert "times as text" in notes(proposal, "sequence.at")


def test_a_number_that_marks_missing_values_is_declared(tmp_path):
    random = np.random.default_rng(3)
    rates = np.where(random.random((60, 12)) < 0.3, -999, random.normal(80, 10, (60, 12)))
    made = [sequence_example({"y": "ab"[i % 2]}, {"rate": row.tolist()}) for i, row in enumerate(rates)]
    proposal = proposed(tmp_path, made, "y")
    assert proposal.spec.sequence["rate"].missing_value == -999
    assert f"({(rates == -999).sum()} of 720 values)" in notes(proposal, "sequence.rate")


def test_a_title_is_not_the_steps_of_a_label(tmp_path):
    rolls = [np.eye(3)[(np.arange(5 + i % 4) + i) % 3] for i in range(60)]
    made = [
        sequence_example({"title": f"song {i} of {i % 7}"}, {"roll": roll.tolist()}) for i, roll in enumerate(rolls)
    ]
    proposal = proposed(tmp_path, made, "roll")
    spec = proposal.spec
    assert list(spec.sequence) == ["roll"] and not spec.context
    assert (spec.label.shift, spec.model.bidirectional) == (1, False)
    assert "tokens are not the label's steps" in left_out(proposal)["context.title"]
