"""What a spec needs of rows."""

from __future__ import annotations

import pytest

from tests.rows import spec_of
from tfx_sequences.components.rows.row_plan import RowPlan
from tfx_sequences.components.rows.row_values import StoredFeature
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.spec.spec_io import spec_from_yaml


def test_features_are_those_that_the_spec_reads():
    plan = RowPlan.of(spec_of())
    assert plan.features["age"] == StoredFeature("age", False, "int64")
    assert plan.features["sequence.ts"] == StoredFeature("ts", True, "int64", unit="s")
    assert plan.columns == ["user", "ts", "age", "bought", "country", "page", "spent"]


def test_at_serving_neither_labels_nor_splits_matter():
    spec = spec_of(
        "{group_by: [user], order_by: ts, label_from: {key: bought, at: next}}",
        "splits: {time: day, valid_from: 1, test_from: 2}",
    )
    plan = RowPlan.of(spec, with_label=False)
    assert plan.columns == ["user", "ts", "age", "country", "page", "spent"]
    assert plan.cut_rules("int64").label_at == "last"
    assert RowPlan.of(spec).cut_rules("int64").label_at == "next"


def test_the_group_of_the_splits_is_stored_too():
    plan = RowPlan.of(spec_of(more="splits: {group: household}"))
    assert plan.features["household"] == StoredFeature("household", False, "string")


@pytest.mark.parametrize(("key", "dtype"), [("user", "string"), ("age", "int64"), ("spent", "string")])
def test_groups_are_text_or_integers(key, dtype):
    assert RowPlan.of(spec_of()).group_feature(key).dtype == dtype


@pytest.mark.parametrize(
    ("gap", "unit", "kind", "expected"),
    [
        ("30m", "s", "time", 1800 * 10**9),
        ("30m", "s", "int64", 1800),
        ("30m", "ms", "int64", 1_800_000),
        ("90", "s", "int64", 90),
        ("90", "ms", "time", 90 * 10**6),
    ],
)
def test_gaps_have_the_unit_of_the_order(gap, unit, kind, expected):
    spec = spec_from_yaml(
        f"name: s\nsequence: {{ts: {{type: time, unit: {unit}}}}}\nlabel: {{key: y}}\n"
        f"rows: {{group_by: [u], order_by: ts, session_gap: {gap}}}"
    )
    assert RowPlan.of(spec).cut_rules(kind).session_gap == expected


def test_lists_with_steps_of_their_own_are_refused():
    spec = spec_from_yaml(
        "name: s\nsequence: {ts: {type: time}, x: {type: numeric, timestamps: xt, "
        "align: {to: ts, dtype: int64}}}\nlabel: {key: y}\nrows: {group_by: [u], order_by: ts}"
    )
    with pytest.raises(SpecError, match="has steps of its own"):
        RowPlan.of(spec)
