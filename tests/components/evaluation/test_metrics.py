"""Metrics from sums of records: for each model, each head and each range of steps."""

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.internal import pickler
from tensorflow_model_analysis.metrics import metric_types

from tfx_sequences.components.evaluation.metrics import HeadFigure, OutputSum, StepFigures
from tfx_sequences.components.evaluation.record_sums import MeasuresOf
from tfx_sequences.schemas.spec.label import Label

LABEL = Label(key="label", type="regression").model_dump_json()


def found(computations, elements):
    """All values by name, after a journey through Beam's pickler."""
    values = {}
    for computation in computations:
        combiner = pickler.loads(pickler.dumps(computation.combiner))
        assert isinstance(combiner, beam.CombineFn)
        accumulator = combiner.create_accumulator()
        for element in elements:
            accumulator = combiner.add_input(accumulator, metric_types.StandardMetricInputs(prediction=element))
        values |= {key.name: value for key, value in combiner.extract_output(accumulator).items()}
    return values


def test_an_output_is_summed_over_the_records():
    computations = OutputSum.computations_of("step_count", "steps")
    assert found(computations, [{"steps": np.int64(3)}, {"steps": np.int64(4)}]) == {"step_count": 7.0}
    assert found(computations, []) == {}


@pytest.mark.parametrize(("figure", "value"), [("mean_absolute_error", 2 / 4), ("mean_squared_error", 4 / 4)])
def test_a_figure_is_that_of_the_measures_of_its_label(figure, value):
    targets, outputs, weights = np.zeros(2, "float32"), np.float32([[2], [0]]), np.float32([1, 3])
    sums = MeasuresOf(LABEL, None)({}).sums(targets, outputs, weights).numpy()
    computations = HeadFigure.computations_of("error", figure, "sums", LABEL)
    assert found(computations, [{"sums": of_record} for of_record in sums]) == {"error": value}


def test_a_figure_that_the_records_do_not_define_is_left_out():
    computations = HeadFigure.computations_of("f1", "span_f1", "sums", Label(key="y").model_dump_json(), "classes")
    measures = MeasuresOf(Label(key="y").model_dump_json(), "classes", with_curve=True)
    classes = np.array([b"good", b"bad"])
    sums = np.ones(measures({"classes": classes}).size)
    assert found(computations, [{"sums": sums, "classes": classes}]) == {}


def test_ranges_of_steps_have_figures_and_counts():
    label = Label(key="label", type="regression", per_step=True).model_dump_json()
    computations = StepFigures.computations_of(
        "any",
        {"mean_squared_error": "level.mean_squared_error"},
        "level_step_sums",
        "level.step_count",
        "level_step_counts",
        ["0", "1 and more"],
        label,
        "level_",
    )
    measures = MeasuresOf(label, None)({})

    def sums(outputs):
        """Of one record, by range of steps: the targets are 0, and each step has weight 1."""
        zeros = np.zeros((1, len(outputs)), "float32")
        return measures.sums(zeros, np.float32([outputs])[..., None], zeros + 1).numpy()[0]

    first, second = np.stack([sums([1]), sums([3, 3])]), np.stack([sums([3]), sums([])])
    elements = [
        {"level_step_sums": first, "level_step_counts": np.array([1, 2])},
        {"level_step_sums": second, "level_step_counts": np.array([1, 0])},
    ]
    values = found(computations, elements)
    assert values["level.mean_squared_error at steps 0"] == 10 / 2
    assert values["level.mean_squared_error at steps 1 and more"] == 18 / 2
    assert values["level.step_count at steps 0"] == 2 and values["level.step_count at steps 1 and more"] == 2


@pytest.mark.parametrize("models", [["candidate", "baseline"], None])
def test_each_model_has_values_of_its_own(models):
    keys = [computation.keys[0] for computation in OutputSum.computations_of("n", "steps", models)]
    assert [key.model_name for key in keys] == (models or [""])


def test_sums_of_records_may_be_made_in_parts_and_merged_in_any_order():
    label = Label(key="label", type="regression")
    [computation] = HeadFigure.computations_of("error", "mean_squared_error", "sums", label.model_dump_json())
    combiner = computation.combiner
    rng = np.random.default_rng(3)
    inputs = [metric_types.StandardMetricInputs(prediction={"sums": rng.integers(1, 9, 3)}) for _ in range(10)]

    def summed(fn, elements):
        accumulator = fn.create_accumulator()
        for element in elements:
            accumulator = fn.add_input(accumulator, element)
        return accumulator

    other = pickler.loads(pickler.dumps(combiner))
    parts = [summed(other, inputs[7:]), other.create_accumulator(), summed(other, inputs[:7])]
    merged, whole = other.merge_accumulators(parts), summed(combiner, inputs)
    np.testing.assert_array_equal(merged[0], whole[0])
    # What has been summed up travels too, with the measures that made it.
    assert other.extract_output(pickler.loads(pickler.dumps(merged))) == other.extract_output(merged)
    assert other.extract_output(merged) == combiner.extract_output(whole) != {}
