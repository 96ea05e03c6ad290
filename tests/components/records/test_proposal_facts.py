"""Facts about the training records that a proposal uses, on records whose facts are known."""

import pytest

from tests.records import example, sequence_example, write_records
from tfx_sequences.components.records.keys import sample_files
from tfx_sequences.components.records.proposal_facts import proposal_facts
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

TERM, NUMBER = {"type": "categorical"}, {"type": "numeric"}


def facts(folder, records, **parts):
    files = [write_records(folder / "train.tfrecord", records)]
    spec = SequenceSpec.model_validate({"name": "s", "sequence": {"x": NUMBER}, "label": {"key": "y"}, **parts})
    return proposal_facts(spec, files, sample_files(files))


def records(count=20, context=lambda i: {}, **sequence):
    lists = {"x": [1.0, 2.0], **sequence}
    return [sequence_example({"y": "ab"[i % 2], **context(i)}, lists) for i in range(count)]


@pytest.mark.parametrize(("count", "expected"), [(9, {}), (10, {"context.c": "'k'", "sequence.v": "[1, 2]"})])
def test_constants_need_ten_records(tmp_path, count, expected):
    sections = {
        "context": {"c": TERM, "d": TERM},
        "sequence": {"x": NUMBER, "v": {"type": "numeric", "shape": (2,)}},
    }
    made = records(count, lambda i: {"c": "k", "d": f"d{i % 3}"}, v=[[1.0, 2.0]] * 2)
    found = facts(tmp_path, made, **sections)
    assert (found.records, found.constants) == (count, expected)


def test_ids_are_terms_that_never_repeat_and_are_not_text(tmp_path):
    context = dict.fromkeys(("a", "b", "words"), TERM)
    made = records(20, lambda i: {"a": f"a{i}", "b": f"b{min(i, 18)}", "words": f"the {i}"})
    assert facts(tmp_path, made, context=context).ids == {"context.a": 20}


def test_a_column_that_equals_the_label_is_a_copy(tmp_path):
    made = records(40, lambda i: {"c": "ab"[i % 2], "d": f"d{i % 3}"})
    [(name, leak)] = facts(tmp_path, made, context={"c": TERM, "d": TERM}).copies
    assert name == "context.c" and leak.level == "certain"


def test_vectors_of_zeros_and_ones_are_binary(tmp_path):
    label = {"type": "regression", "shape": (2,)}
    labels = {"p": {"key": "p", **label}, "q": {"key": "q", **label}}
    made = records(10, lambda i: {"p": [float(i % 2), 1.0], "q": [0.5, 1.0]})
    assert facts(tmp_path, made, label=None, labels=labels).binary == ("p",)


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], {"label": True}),
        ([[0.25, 0.75], [1.0, 0.0]], {"label": False}),
        ([[0.25, 0.5], [1.0, 0.0]], {}),
        ([[1.5, -0.5], [1.0, 0.0]], {}),
    ],
)
def test_vectors_with_the_sum_one_are_distributions_and_may_be_one_hot(tmp_path, vectors, expected):
    made = records(10, lambda i: {"p": vectors[i % 2]})
    label = {"key": "p", "type": "regression", "shape": (2,)}
    assert facts(tmp_path, made, label=label).distributions == expected


@pytest.mark.parametrize(
    ("codes", "expected"),
    [((-1, 0, 1, 2), {"label": True}), ((-1, 0, 1), {"label": False}), ((0, 1, 2), {}), ((-1, 0, 2), {})],
)
def test_a_class_below_zero_may_mean_that_it_is_unknown(tmp_path, codes, expected):
    made = records(12, lambda i: {"code": codes[i % len(codes)]})
    assert facts(tmp_path, made, label={"key": "code", "dtype": "int64"}).unknown == expected


def test_widths_of_flat_lists_are_read_from_a_feature_with_the_shape(tmp_path):
    context = {"size": {"type": "numeric", "shape": (2,), "dtype": "int64"}}
    made = [example({"y": "ab"[i % 2], "x": [0.0] * 3 * (1 + i % 4), "size": [1 + i % 4, 3]}) for i in range(10)]
    found = facts(tmp_path, made, record="Example", context=context)
    assert found.widths == {"sequence.x": (3, "context.size")}
    made[4] = example({"y": "a", "x": [0.0] * 4, "size": [1, 3]})
    assert facts(tmp_path, made, record="Example", context=context).widths == {}


def test_lists_of_other_lengths_are_misaligned(tmp_path):
    made = records(9, z=[1.0, 2.0]) + records(2, z=[1.0, 2.0], w=[1.0, 2.0, 3.0])
    found = facts(tmp_path, made, sequence={"x": NUMBER, "z": NUMBER, "w": NUMBER})
    assert found.misaligned == {"sequence.w": "3 steps where 'sequence.x' has 2, in 2 records"}


def test_integers_that_are_times_have_a_unit(tmp_path):
    times = {"type": "numeric", "dtype": "int64"}
    made = records(10, t=[1_528_917_632_000, 1_528_917_633_000], n=[3, 4])
    assert facts(tmp_path, made, sequence={"x": NUMBER, "t": times, "n": times}).times == {"sequence.t": "ms"}


def test_an_id_that_several_records_have_is_told(tmp_path):
    once = facts(tmp_path, records(40, lambda i: {"user": f"u{i}"}), id_key="user")
    often = facts(tmp_path, records(40, lambda i: {"user": f"u{i // 4}"}), id_key="user")
    assert (once.repeated_id, often.repeated_id) == (False, True)
