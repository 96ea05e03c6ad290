"""What a spec needs of rows: the columns, how records store them, and how rows are divided and cut."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tfx_sequences.components.rows.cutting import CutRules
from tfx_sequences.components.rows.row_times import OrderKind
from tfx_sequences.components.rows.row_values import StoredFeature
from tfx_sequences.errors import SpecError
from tfx_sequences.schemas.columns.column import TimeColumn
from tfx_sequences.schemas.features.raw_features import raw_features, served_features
from tfx_sequences.schemas.spec.rows import Rows, nanoseconds_of
from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec
from tfx_sequences.schemas.spec.splits import Splits

_KINDS: dict[str, OrderKind] = {"timestamp": "time", "int64": "int64", "float64": "float64"}
_NANOSECONDS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclasses.dataclass(frozen=True)
class RowPlan:
    """What a spec needs of rows.

    Attributes:
        spec: The spec.
        rows: Its section `rows`.
        features: How records store columns, by the name of the parsed tensor.
        units: The unit of columns of times, by key.
        with_label: Rows have labels, weights and ids, and are divided into splits; False at serving.
    """

    spec: SequenceSpec
    rows: Rows
    features: Mapping[str, StoredFeature]
    units: Mapping[str, str]
    with_label: bool = True

    @classmethod
    def of(cls, spec: SequenceSpec, *, with_label: bool = True) -> RowPlan:
        """The plan for a spec.

        Args:
            spec: The spec.
            with_label: False reads neither labels, weights and the id nor what divides splits, as at serving.

        Raises:
            SpecError: The spec does not have `rows`, or has features that rows cannot hold.

        >>> spec = SequenceSpec(
        ...     name="s",
        ...     sequence={"x": {"type": "numeric"}},
        ...     label={"key": "y"},
        ...     rows={"group_by": ("user",), "order_by": "ts"},
        ... )
        >>> RowPlan.of(spec).columns
        ['user', 'ts', 'y', 'x']
        """
        rows = spec.rows
        if rows is None:
            raise SpecError(
                "The spec does not say how rows become records.",
                expected="a section `rows` with group_by, and order_by where rows have a time",
                received="none",
                fix="Add, for example: rows: {group_by: [user_id], order_by: timestamp}",
            )
        units = {column.key: column.unit for column in spec.columns.values() if isinstance(column, TimeColumn)}
        if not with_label:
            spec = spec.model_copy(update={"splits": Splits()})
        features: dict[str, StoredFeature] = {}
        for raw in raw_features(spec) if with_label else served_features(spec):
            if raw.clock:
                raise SpecError(
                    f"Rows cannot have the column '{raw.key}', which has steps of its own.",
                    expected="columns with one value for each row",
                    received=f"align with the timestamps '{raw.clock}'",
                    fix="Remove `align`, or write SequenceExamples.",
                )
            size = None if raw.multi_valued else raw.size
            unit = units.get(raw.key, "s")
            features[raw.tensor_name] = StoredFeature(raw.key, raw.is_sequence, raw.dtype, size, unit)  # type: ignore[arg-type]
        group = spec.splits.group
        if group is not None and group not in features:
            features[group] = StoredFeature(group, False, "string")
        return cls(spec, rows, dict(sorted(features.items())), units, with_label)

    @property
    def columns(self) -> list[str]:
        """The columns that are read, those that every row must have first."""
        read = sorted(self.features.values(), key=lambda feature: (feature.of_steps, feature.key))
        divided = [self.spec.splits.time] if self.spec.splits.time else []
        return list(dict.fromkeys([*self.required, *divided, *(feature.key for feature in read)]))

    @property
    def required(self) -> list[str]:
        """The columns that every row must have: those of `group_by` and `order_by`."""
        return [*self.rows.group_by, *([self.rows.order_by] if self.rows.order_by else [])]

    @property
    def declared_kind(self) -> OrderKind | None:
        """The kind of `order_by` that the spec declares."""
        declared = self.rows.columns.get(self.rows.order_by or "")
        return _KINDS[declared] if declared else None

    def group_feature(self, key: str) -> StoredFeature:
        """How a column of `group_by` is stored: as its feature, or as text."""
        for feature in self.features.values():
            if feature.key == key and not feature.is_list and feature.dtype != "float32":
                return feature
        return StoredFeature(key, False, "string")

    def cut_rules(self, kind: OrderKind | None) -> CutRules:
        """How groups are cut.

        Args:
            kind: What the values of `order_by` are.
        """
        rows, label = self.rows, self.rows.label_from if self.with_label else None
        return CutRules(
            session_gap=None if rows.session_gap is None else self._in_order(rows.session_gap, kind),
            window=rows.window,
            min_steps=rows.min_steps,
            label_at=label.at if label else "last",
            label_after=self._in_order(label.after, kind) if label else 0,
        )

    def _in_order(self, duration: int | float | str, kind: OrderKind | None) -> float:
        """A duration in the numbers that rows are sorted by: nanoseconds for times."""
        unit = _NANOSECONDS[self.units.get(self.rows.order_by or "", "s")]
        if kind == "time":
            return nanoseconds_of(duration) if isinstance(duration, str) else duration * unit
        return nanoseconds_of(duration) / unit if isinstance(duration, str) else duration
