"""What we hand to Beam travels to other processes: it can be pickled, keeps nothing between records, and is typed."""

import functools
import inspect

import numpy as np
import pytest
from apache_beam.internal import pickler
from tensorflow_model_analysis.metrics import metric_types

from tests.records import sequence_example, write_records
from tfx_sequences.components.evaluation import metrics as evaluation_metrics
from tfx_sequences.components.network.measures import figures
from tfx_sequences.components.records.framing import read_records
from tfx_sequences.components.stages import ingest
from tfx_sequences.schemas.spec.label import Label


def travelled(function):
    return pickler.loads(pickler.dumps(function))


@pytest.mark.parametrize("function", [ingest._place, read_records])
def test_functions_are_typed(function):
    signature = inspect.signature(travelled(function))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_the_place_of_a_record_is_the_same_elsewhere():
    records = [sequence_example({"id": str(number)}, {}) for number in range(200)]
    shares = {"valid": 0.3}
    here = [ingest._place(record, 2, shares) for record in records]
    assert 20 < here.count(0) < 120
    # Read backwards by another: nothing is kept from one record to the next.
    assert [travelled(ingest._place)(record, 2, shares) for record in reversed(records)] == here[::-1]


def test_records_are_read_elsewhere(tmp_path):
    file = write_records(
        tmp_path / "a.tfrecord", [sequence_example({"id": "a"}, {}), sequence_example({"id": "b"}, {})]
    )
    assert [*travelled(read_records)(file)] == [*read_records(file)]


def test_sums_of_records_may_be_made_in_parts_and_merged_in_any_order():
    label = Label(key="label", type="regression")
    [computation] = evaluation_metrics.summed(
        "sums", functools.partial(figures, label), [*figures(label, np.ones(4))], None
    )
    combiner = computation.combiner
    rng = np.random.default_rng(3)
    inputs = [metric_types.StandardMetricInputs(prediction={"sums": rng.integers(0, 9, 4)}) for _ in range(10)]

    def summed(fn, elements):
        accumulator = fn.create_accumulator()
        for element in elements:
            accumulator = fn.add_input(accumulator, element)
        return accumulator

    other = travelled(combiner)
    parts = [summed(other, inputs[7:]), other.create_accumulator(), summed(other, inputs[:7])]
    merged, whole = other.merge_accumulators(parts), summed(combiner, inputs)
    np.testing.assert_array_equal(merged, whole)
    assert other.extract_output(merged) == combiner.extract_output(whole) != {}
