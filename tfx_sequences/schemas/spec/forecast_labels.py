"""The labels of a spec that are forecasts: which features they need, and what fits together."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.columns.column import Column, NumericColumn
from tfx_sequences.schemas.columns.keyed_normalizer import ZScoreBy
from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS
from tfx_sequences.schemas.kinds.forecast_options import Forecast
from tfx_sequences.schemas.kinds.registry import declared_kind
from tfx_sequences.schemas.spec.batching import Batching
from tfx_sequences.schemas.spec.label import Label


def forecast_options(label: Label) -> Forecast:
    """How a forecast is made."""
    return label.forecast or Forecast()


def without_normalizer(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a spec, with `normalizer: none` for targets of forecasts that do not name a normalizer.

    They are normalised series by series, as the label declares.
    """
    labels = data.get("labels")
    heads = [data.get("label"), *(labels.values() if isinstance(labels, Mapping) else ())]
    columns = data.get("sequence")
    if not isinstance(columns, Mapping):
        return data
    changed = dict(columns)
    for label in heads:
        fields = label.model_dump() if isinstance(label, Label) else label
        kind = declared_kind(fields.get("type")) if isinstance(fields, Mapping) else None
        if kind is None or not kind.from_windows:
            continue
        target = fields.get("target")
        column = columns.get(target) if isinstance(target, str) else None
        if isinstance(column, Mapping) and column.get("type") == "numeric":
            changed[str(target)] = {"normalizer": "none", **column}
        elif isinstance(column, NumericColumn) and "normalizer" not in column.model_fields_set:
            changed[str(target)] = column.model_copy(update={"normalizer": "none"})
    return {**data, "sequence": changed}


def check_forecasts(
    labels: Mapping[str, Label], sequence: Mapping[str, Column], context_keys: Set[str], batching: Batching
) -> None:
    """Checks what a label alone cannot know.

    Args:
        labels: The labels of a spec, by where it declares them.
        sequence: Its sequence features by name.
        context_keys: Keys of its features in the record's context.
        batching: Its batching.

    Raises:
        ValueError: A forecast does not fit the spec's features, its other labels, or its batching.
    """
    heads = {where: label for where, label in labels.items() if label.kind.from_windows}
    if not heads:
        return
    others = [where for where in labels if where not in heads]
    if others:
        raise ValueError(
            f"{others[0]} is not a forecast, but other labels are: windows of a series have no such label; "
            "use a spec for each"
        )
    for where, label in heads.items():
        _check_features(where, label, sequence, context_keys, batching)
    for field in ("horizon", "is_cut_out", "known_future"):
        if any(getattr(a, field) != getattr(b, field) for a in heads.values() for b in heads.values()):
            what = {"is_cut_out": "place of the future (`key`)"}.get(field, field)
            raise ValueError(f"labels: all forecasts of a spec share their windows, so they must have the same {what}")
    by_target: dict[str | None, Label] = {}
    for label in heads.values():
        first = by_target.setdefault(label.target, label)
        if forecast_options(first).normalization != forecast_options(label).normalization:
            raise ValueError(f"labels: forecasts of '{label.target}' have different `forecast.normalization`")
    if len({forecast_options(label).windows for label in heads.values()}) > 1:
        raise ValueError("labels: all forecasts of a spec must have the same `forecast.windows`")
    if batching.max_length is not None and batching.truncate != "head":
        raise ValueError(
            f"batching.truncate is '{batching.truncate}', which cuts off the end that a forecast starts from: "
            "set `truncate: head`"
        )
    if batching.prepared:
        raise ValueError("batching.prepared keeps records as they are, but forecasts are learned from windows of them")


def _check_padding(batching: Batching, target: str) -> None:
    padding = batching.padding.get(target)
    if padding is not None and padding.side == "left":
        raise ValueError(f"batching.padding puts the padding of '{target}', which must be forecast, on the left")


def _check_features(
    where: str, label: Label, sequence: Mapping[str, Column], context_keys: Set[str], batching: Batching
) -> None:
    for field, names in (("target", [str(label.target)]), ("known_future", list(label.known_future))):
        for name in names:
            if name not in sequence:
                raise ValueError(f"{where}.{field}: '{name}' is not a sequence feature.{did_you_mean(name, sequence)}")
            column: Any = sequence[name]
            if column.align is not None:
                raise ValueError(f"{where}.{field}: '{name}' has timestamps of its own; a forecast is of the steps")
            if not isinstance(column, NumericColumn):
                raise ValueError(f"{where}.{field}: '{name}' is {column.type}, but it must be numeric")
            if column.encoding is not None:
                raise ValueError(f"{where}.{field}: '{name}' has an encoding, but it must be a list of numbers")
    _check_padding(batching, str(label.target))
    for name in label.known_future:
        if getattr(sequence[name], "normalizer", None) in RECORD_NORMALIZERS:
            raise ValueError(
                f"sequence.{name}.normalizer is one of the record's own steps, but its future is beyond them: "
                "leave the normalizer out"
            )
        if isinstance(getattr(sequence[name], "normalizer", None), ZScoreBy):
            raise ValueError(
                f"sequence.{name}.normalizer needs a key for each value, but its future has none: "
                "use another normalizer"
            )
    column = sequence[str(label.target)]
    if column.shape:
        raise ValueError(f"{where}.target: '{label.target}' has a shape; a forecast is of one number per step")
    if column.normalizer != "none":
        raise ValueError(
            f"sequence.{label.target}.normalizer is '{column.normalizer}', but {where}.forecast.normalization "
            "normalises each series by itself: leave the normalizer out"
        )
    taken = context_keys & set(label.known_future.values())
    if taken:
        raise ValueError(f"{where}.known_future: '{min(taken)}' is a context feature too; give it a key of its own")
    options = forecast_options(label)
    longest = max(options.lags, default=0)
    if batching.max_length is not None and longest + 1 > batching.max_length:
        raise ValueError(
            f"{where}.forecast.lags: {longest} is further back than batching.max_length, "
            f"{batching.max_length}, lets the network see"
        )
