"""All searches in one pass, and the dtypes that they take from samples."""

from pathlib import Path

from tests.components.records.small_records import NUMBER, TOKEN, record, spec_of
from tfx_sequences.components.records.batches import Batch, parse_batch
from tfx_sequences.components.records.keys import FileSample
from tfx_sequences.components.records.leak_search import LeakSearch, stored_dtypes


def test_dtypes_are_those_of_context_features_that_are_stored_in_one_way():
    samples = [
        FileSample(
            Path("a"), kinds={(False, "x"): {"int64": 0}, (False, "y"): {"string": 0}, (True, "z"): {"int64": 0}}
        ),
        FileSample(Path("b"), kinds={(False, "x"): {None: 3, "int64": 4}, (False, "y"): {"int64": 0}}),
        FileSample(Path("c"), kinds={(False, "w"): {None: 0}}),
    ]
    assert stored_dtypes(samples) == {"x": "int64"}


def test_certain_leaks_come_first():
    spec = spec_of(context={"copy": TOKEN, "length": NUMBER})
    records = []
    for index in range(200):
        steps = 1 + index % 7
        kind = "ab"[index % 2]
        context = {"class": kind, "copy": kind, "length": float(steps)}
        records.append(record(index, context, token=["x"] * steps).SerializeToString())
    batch = Batch(Path("train"), 0, records)
    parse_batch(batch, spec)
    search = LeakSearch(spec, [])
    search.add(batch, ["train"] * len(batch), batch.rows["sequence.token"].splits[0][1:])
    levels = [leak.level for leak in search.found()]
    assert levels[0] == "certain"
    assert levels == sorted(levels, key=("certain", "warning", "note").index)
    assert "context.copy" in search.found()[0].text
