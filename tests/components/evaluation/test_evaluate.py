"""`evaluate_model` beside TFMA, for every kind of label on one model, and beside scikit-learn."""

import dataclasses

import numpy as np
import pytest

from tests.components.evaluation.tfma_run import tfma_figures
from tests.everything import analyzed, exported
from tests.records import write_records
from tests.reference_figures import expect, of_classes
from tfx_sequences.components.evaluation import evaluate
from tfx_sequences.components.evaluation.evaluate import evaluate_model
from tfx_sequences.components.serving.prediction import predict_files
from tfx_sequences.errors import DataError, SpecError
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

PARTS = ("slices", "step_ranges", "baseline", "plots")


def assert_same(found, expected, where="figures"):
    """Same keys and texts, numbers equal to 1e-6."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_same(found[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            assert_same(ours, theirs, f"{where}/{place}")
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9, err_msg=where)


@pytest.fixture
def one_by_one(monkeypatch):
    """One record per call of the model, as in `tfma_figures`: float32 rounding in its kernels depends on the batch."""
    monkeypatch.setattr(evaluate, "_RECORDS", 1)


def compare(folder, of, spec, tmp_path, baseline=None):
    expected = tfma_figures(folder, of.serialized, spec, str(tmp_path), baseline)
    file = write_records(tmp_path / "test.gz", of.serialized)
    found = evaluate_model(folder, [str(file)], spec, baseline=baseline)
    for part in PARTS:
        assert_same(found[part], expected[part], part)
        assert list(found[part]) == list(expected[part])
    assert found["records"] == len(of.records)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("one_by_one")
def test_every_kind_of_label_is_measured_as_by_tfma(all_labels, labels_model, tmp_path):
    """Seven heads, per record and per step, with weights and spans: slices, lengths, positions, baseline, plots."""
    evaluation = {"slices": ("city", "kind"), "length_slices": (2, 4), "step_slices": (1, 3)}
    spec = all_labels.spec.model_validate({**all_labels.spec.model_dump(), "evaluation": evaluation})
    folder = labels_model[2]
    found = compare(folder, all_labels, spec, tmp_path, baseline=folder)
    assert list(found["slices"])[:3] == ["all", "city=Oslo", "city=Rome"]
    assert {"tag.span_f1", "next_frame.auc", "place.mean_squared_error"} <= found["slices"]["all"].keys()
    assert found["baseline"]["all"] == found["slices"]["all"]
    assert {"confusion", "curve", "calibration"} == found["plots"]["all"]["tag"].keys()


@pytest.mark.slow
@pytest.mark.usefixtures("one_by_one")
def test_forecasts_are_measured_as_by_tfma(forecasts, tmp_path):
    evaluation = {"slices": ("city",), "length_slices": "auto"}
    spec = forecasts.spec.model_validate({**forecasts.spec.model_dump(), "evaluation": evaluation})
    _, folder = exported(forecasts, tmp_path / "model")
    found = compare(str(folder), forecasts, spec, tmp_path)
    assert {"money.smape", "money.mase", "people.mean_absolute_error"} <= found["slices"]["all"].keys()
    assert found["slices"]["all"]["cut_step_count"] > 0


def first_number(targets, outputs):
    """Something that is one value for each target."""
    del targets
    return outputs[..., 0]


@pytest.mark.slow
@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("given", ["all_labels", "forecasts"])
def test_further_metrics_are_measured_as_by_tfma(request, given, tmp_path):
    of = request.getfixturevalue(given)
    plain = of.spec.model_dump()
    for name, label in of.spec.heads.items():
        further = [measure.replace("K", "2") for measure in label.kind.further_measures(label)]
        plain["labels"][name] |= {"measures": further, "own_measures": {"first": f"{__name__}.first_number"}}
    steps = {"step_slices": (1, 3)} if any(label.per_step for label in of.spec.heads.values()) else {}
    spec = of.spec.model_validate({**plain, "evaluation": {"slices": ("city",), **steps}})
    of = dataclasses.replace(of, spec=spec)
    _, folder = exported(of, tmp_path / "model")
    found = compare(str(folder), of, spec, tmp_path)
    expected = {spec.metric_name(name, metric) for name, label in spec.heads.items() for metric in label.metrics}
    # Spans are those of IOB tags only; one of the two numbers of `place` is always the same.
    missing = {name for name in expected - found["slices"]["all"].keys() if "span_" not in name}
    assert missing == ({"place.r_squared"} if given == "all_labels" else set())


@pytest.mark.slow
@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize(
    ("label", "names"),
    [
        ({"key": "kind", "classes": ("good", "bad", "new")}, {"accuracy", "loss", "auc"}),
        ({"key": "size", "type": "regression"}, {"mean_squared_error", "mean_absolute_error"}),
    ],
    ids=["classification", "regression"],
)
def test_a_label_without_weights_is_measured_as_by_tfmas_own_metrics(label, names, tmp_path):
    """Of Examples: TFMA computes these from the served scores and numbers, not from our sums."""
    random = np.random.default_rng(2)
    records = [
        ({"kind": str(random.choice(["good", "bad", "new"])), "size": float(i), "age": int(i % 2)}, {"x": x.tolist()})
        for i, x in enumerate(random.normal(size=(24, 5)).astype(np.float32))
    ]
    context = {"age": {"type": "categorical", "dtype": "int64", "num_buckets": 2}}
    spec = SequenceSpec(
        name="single",
        context=context,
        sequence={"x": {"type": "numeric", "normalizer": "z_score"}},
        label={**label, "missing_label": "error"},
        model={"units": (4,)},
        evaluation={"slices": ("age",), "length_slices": (3,)},
    )
    of = analyzed(spec, records, tmp_path)
    _, folder = exported(of, tmp_path / "model")
    found = compare(str(folder), of, spec, tmp_path)
    assert names <= found["slices"]["age=0"].keys()


@pytest.mark.slow
def test_slices_of_several_values_are_those_of_scikit_learn(everything, exported_everything, tmp_path):
    """With weights of records; a record is in the slice of each of its tags, and in none without one."""
    evaluation = {"slices": ("tags", "city"), "length_slices": (3, 5)}
    spec = everything.spec.model_validate({**everything.spec.model_dump(), "evaluation": evaluation})
    files = [str(write_records(tmp_path / f"{n}.gz", everything.serialized[n::2])) for n in range(2)]
    found = evaluate_model(exported_everything[1], files, spec)
    answers = {a["id"]: a for file in files for a in predict_files(exported_everything[1], file)}
    contexts = {c["id"]: c for c, _ in everything.records}
    lengths = {c["id"]: len(s["token"]) for c, s in everything.records}
    members = {"all": set(contexts)}
    for name, context in contexts.items():
        slices = [f"tags={tag}" for tag in context["tags"]] + [f"city={context['city']}"]
        first = [0, 3, 5][np.searchsorted([3, 5], lengths[name], side="right")]
        slices.append("length=" + {0: "0-2", 3: "3-4", 5: "5 and more"}[first])
        for its in slices:
            members.setdefault(its, set()).add(name)
    assert found["slices"].keys() == members.keys()
    for its, names in members.items():
        names, metrics = sorted(names), found["slices"][its]
        weights = [contexts[name]["weight"] for name in names]
        expected = of_classes([contexts[n]["kind"] for n in names], [answers[n] for n in names], weights)
        assert metrics["example_count"] == len(names)
        assert metrics["step_count"] == sum(lengths[name] for name in names)
        expect(metrics, expected, spec.label.metrics, where=its)
    assert (found["records"], found["steps"]) == (len(contexts), sum(lengths.values()))
    assert found["step_ranges"] == {} and found["baseline"] == {}


def test_without_records_or_with_another_spec_nothing_is_measured(everything, exported_everything, tmp_path):
    empty = write_records(tmp_path / "empty", [])
    with pytest.raises(DataError, match="cannot be evaluated without records"):
        evaluate_model(exported_everything[1], [str(empty)])
    other = everything.spec.model_copy(update={"label": everything.spec.label.model_copy(update={"key": "plan"})})
    with pytest.raises(SpecError):
        evaluate_model(exported_everything[1], [str(empty)], other)
    broken = write_records(tmp_path / "broken", [b"no record"])
    with pytest.raises(DataError, match="cannot be evaluated"):
        evaluate_model(exported_everything[1], [str(broken)])
