"""The data check of forecasts."""

import pytest

from tests.forecasts import forecast_spec, plain_records
from tests.records import sequence_example, write_records
from tfx_sequences.components.records.data_check import check_data
from tfx_sequences.errors import DataError


def checked(folder, records, spec):
    for split in ("train", "valid", "test"):
        write_records(folder / f"{split}.tfrecord", [sequence_example(c, s) for c, s in records])
        records = plain_records()
    return check_data(spec, folder)


def changed(context=None, **sequence):
    records = plain_records()
    first_context, first = records[3]
    records[3] = ({**first_context, **(context or {})}, {**first, **sequence})
    return records


def test_records_in_order_are_told_by_their_steps(tmp_path):
    report = checked(tmp_path, plain_records(), forecast_spec())
    assert report.splits["train"].records == 24 and report.splits["train"].classes == {}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (
            changed({"sales_ahead": [1.0, 2.0]}),
            [
                "'sales_ahead' has a different number of values than the 3 of its shape",
                "2 values in record 3 ('r3')",
                "or horizon",
            ],
        ),
        (changed({"sales_ahead": [1.0, float("nan"), 2.0]}), ["'sales_ahead' has a value that is not finite"]),
        (changed({"sales_ahead": None}), ["The label 'sales_ahead' is missing", "record 3 ('r3')"]),
        (
            changed({"promotion_ahead": [1.0] * 3}),
            ["The known future 'promotion_ahead'", "6 values", "record 3 ('r3')"],
        ),
        (changed({"open_ahead": None}), ["The known future 'open_ahead' is missing"]),
        (changed({"scale": -1.0}), ["The scale of MASE 'scale' is negative", "-1 in record 3"]),
        (changed(sales=[1.0, float("inf"), 2.0, 3.0]), ["sequence.sales has a value that is not finite"]),
        (
            changed(sales=[1.0, [], 2.0, 3.0]),
            [
                "Sequence.sales is a forecast target, but is missing in a step",
                "step 1 of record 3 ('r3')",
                "default_value",
            ],
        ),
        (
            changed(sales=[], visitors=[], is_open=[], promotion=[]),
            ["has no history", "0 steps in record 3 ('r3')", "Remove these records"],
        ),
    ],
)
def test_what_cannot_be_forecast_is_told_with_its_record(tmp_path, records, words):
    with pytest.raises(DataError) as caught:
        checked(tmp_path, records, forecast_spec())
    for word in words:
        assert word.lower() in str(caught.value).lower()


def test_a_series_too_short_to_be_cut_is_told(tmp_path):
    label = {"type": "forecast", "key": "sales", "target": "sales", "horizon": 3}
    spec = forecast_spec(labels={}, label=label)
    with pytest.raises(DataError, match=r"has no history[\s\S]*3 steps of the horizon[\s\S]*shorten `horizon`"):
        checked(tmp_path, plain_records(), spec)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"key": "salez"}, r"No record has the label 'salez'"),
        ({"key": "is_open"}, r"'is_open' is a sequence feature[\s\S]*sequence feature's own name as `key`"),
        ({"key": "city"}, r"city[\s\S]*Store numbers as the label 'city'"),
    ],
)
def test_a_future_that_is_not_there_is_told(tmp_path, label, words):
    label = {"type": "forecast", "target": "sales", "horizon": 3, **label}
    with pytest.raises(DataError, match=words):
        checked(tmp_path, plain_records(), forecast_spec(labels={}, label=label, context={}))
