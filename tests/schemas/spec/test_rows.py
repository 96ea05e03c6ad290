"""What `rows` may say."""

from __future__ import annotations

import pytest

from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.base import declared
from tfx_sequences.schemas.spec.rows import LabelFrom, Rows, nanoseconds_of
from tfx_sequences.schemas.spec.spec_io import fingerprint, spec_from_yaml, spec_to_yaml

SPEC = """
name: s
id_key: user
context: {country: {type: categorical, num_oov_buckets: 1}}
sequence: {x: {type: numeric}, tag: {type: categorical, num_oov_buckets: 1}}
label: {key: bought}
rows: """


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"group_by": ()}, "at least 1 item"),
        ({"group_by": ("u", "u")}, "names a column twice"),
        ({"group_by": ("u",), "order_by": "u"}, "is also in group_by"),
        ({"group_by": ("u",), "session_gap": "30m"}, "session_gap needs order_by"),
        ({"group_by": ("u",), "order_by": "t", "session_gap": "30 minutes"}, "not a duration such as 30m"),
        ({"group_by": ("u",), "order_by": "t", "session_gap": -1}, "cannot be negative"),
        ({"group_by": ("u",), "label_from": LabelFrom(key="y", at="as_of")}, "as_of needs order_by"),
        ({"group_by": ("u",), "time_zone": "Mars/Base"}, "not known on this machine"),
        ({"group_by": ("u",), "max_rejected": 2.0}, "less than or equal to 1"),
    ],
)
def test_what_contradicts_itself_is_refused(fields, message):
    with pytest.raises(SpecError, match=message):
        declared(Rows, **fields)


def test_after_is_for_as_of():
    with pytest.raises(SpecError, match="after is for"):
        declared(LabelFrom, key="y", after="1d")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("{group_by: [user], context: {x: last}}", "rows.context: 'x' is not a context feature"),
        ("{group_by: [user], context: {countri: last}}", "Did you mean 'country'"),
        ("{group_by: [user], label_from: {key: bougt}}", "Did you mean 'bought'"),
        ("{group_by: [user]}\nrecord: ELWC", "rows become SequenceExamples"),
        ("{group_by: [user], windw: {steps: 3}}", "Did you mean 'window'"),
    ],
)
def test_what_contradicts_the_rest_of_the_spec_is_refused(rows, message):
    with pytest.raises(SpecError, match=message):
        spec_from_yaml(SPEC + rows)


def test_the_section_survives_a_round_trip_and_counts_in_the_fingerprint():
    text = SPEC + (
        "{group_by: [user], order_by: ts, session_gap: 30m, window: {steps: 8, stride: 4}, context: {country: first},"
        " label_from: {key: bought, at: as_of, after: 7d}}"
    )
    spec = spec_from_yaml(text)
    assert spec_from_yaml(spec_to_yaml(spec)) == spec
    assert spec.rows.window.step_between == 4
    assert fingerprint(spec) != fingerprint(spec_from_yaml(text.replace("stride: 4", "stride: 2")))


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("1 d", 86400), ("1w", 604800), ("0.5s", 0.5)])
def test_durations(text, seconds):
    assert nanoseconds_of(text) == seconds * 10**9
