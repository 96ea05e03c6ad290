"""Any mix of missing lists, steps and elements, beside lists at another rate, is what a definition in Python says."""

from __future__ import annotations

import math

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from hypothesis import strategies as st
from tensorflow_transform.saved import saved_transform_io_v2

from tests.everything import analyzed
from tests.records import sequence_example
from tfx_sequences.schemas.features.parse_specs import parse_records
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

NAN = math.nan
NONE = {"type": "numeric", "normalizer": "none"}
ALIGNED = {"timestamps": "tx", "align": {"to": "t", "method": "previous", "tolerance": 3.0}}
SPEC = SequenceSpec.model_validate(
    {
        "name": "together",
        "sequence": {
            "dose": {**NONE, "default_value": -5.0, "missing_value": -1, "indicator": True},
            "vitals": {**NONE, "shape": [2], "missing": "previous", "default_value": 1.5, "indicator": True},
            "code": {"type": "categorical", "vocabulary_list": ["a", "b"]},
            "tags": {"type": "categorical", "vocabulary_list": ["x", "y"], "multi_valued": True},
            "pulse": {**NONE, "default_value": -7.0, "indicator": True, **ALIGNED},
        },
        "label": {"key": "kind", "classes": ["p", "q"]},
    }
)
NUMBERS = st.integers(0, 9).map(float)
STEPS = {
    "dose": st.one_of(st.just([]), st.sampled_from([[NAN], [-1.0]]), NUMBERS.map(lambda x: [x])),
    "vitals": st.one_of(st.just([]), st.lists(st.one_of(st.just(NAN), NUMBERS), min_size=2, max_size=2)),
    "code": st.sampled_from([[], ["a"], ["b"], ["other"]]),
    "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3),
}


@st.composite
def records(draw):
    """A record: `t` has all steps; each other list has as many, or is empty or not there."""
    steps = draw(st.integers(0, 5))
    lists = {"t": sorted(float(t) for t in draw(st.lists(st.integers(0, 9), min_size=steps, max_size=steps)))}
    for key, values in STEPS.items():
        form = draw(st.sampled_from(["there", "there", "empty", "absent"]))
        if form != "absent":
            lists[key] = draw(st.lists(values, min_size=steps, max_size=steps)) if form == "there" else []
    if draw(st.booleans()):
        lists["tx"] = sorted(float(t) for t in draw(st.lists(st.integers(0, 9), max_size=4)))
        lists["pulse"] = [draw(STEPS["dose"].filter(lambda x: x != [-1.0])) for _ in lists["tx"]]
    return lists


@pytest.fixture(scope="module")
def transform(tmp_path_factory):
    whole = {
        "t": [0.0],
        "tx": [0.0],
        "dose": [1.0],
        "vitals": [[1.0, 2.0]],
        "code": ["a"],
        "tags": [["x"]],
        "pulse": [2.0],
    }
    graph = analyzed(SPEC, [({"kind": "p"}, whole)], tmp_path_factory.mktemp("together"))
    loader = saved_transform_io_v2.SavedModelLoader(tft.TFTransformOutput(graph.transform_dir).transform_savedmodel_dir)

    def apply(lists):
        serialized = [sequence_example({"kind": "p"}, each).SerializeToString() for each in lists]
        return loader.apply_transform_model(parse_records(tf.constant(serialized, tf.string), SPEC))

    return apply


def expected(lists):
    """The outputs of one record by name, as lists over its steps."""
    times = lists["t"]
    steps = {key: lists[key] if lists.get(key) else [[]] * len(times) for key in STEPS}
    dose = [NAN if step in ([], [-1.0]) else step[0] for step in steps["dose"]]
    vitals, last = [], [1.5, 1.5]
    for step in steps["vitals"]:
        last = [before if np.isnan(x) else x for x, before in zip(step or [NAN, NAN], last, strict=True)]
        vitals.append(last)
    pulse = []
    for time in times:
        there = [
            (at, step[0])
            for at, step in zip(lists.get("tx", []), lists.get("pulse", []), strict=True)
            if step and not np.isnan(step[0]) and at <= time
        ]
        pulse.append(there[-1][1] if there and time - there[-1][0] <= 3 else NAN)
    return {
        "sequence.dose": [-5.0 if np.isnan(x) else x for x in dose],
        "sequence.dose.observed": [[float(not np.isnan(x))] for x in dose],
        "sequence.vitals": vitals,
        "sequence.vitals.observed": [[float(not np.isnan(x)) for x in step or [NAN] * 2] for step in steps["vitals"]],
        # A missing term has the id of unknown ones.
        "sequence.code": [{"a": 0, "b": 1}.get(step[0] if step else "", 2) for step in steps["code"]],
        "sequence.tags": [[{"x": 0, "y": 1}.get(term, 2) for term in step] for step in steps["tags"]],
        "sequence.pulse": [-7.0 if np.isnan(x) else x for x in pulse],
        "sequence.pulse.observed": [[float(not np.isnan(x))] for x in pulse],
    }


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(st.lists(records(), min_size=1, max_size=4))
def test_any_mix_is_what_its_definition_says(transform, lists):
    found = transform(lists)
    assert found["sequence_length"].numpy().tolist() == [len(each["t"]) for each in lists]
    for name in expected(lists[0]):
        assert found[name].to_list() == [expected(each)[name] for each in lists], name
