"""The labels of a spec that are forecasts: what of its features they need, and what fits together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfx_sequences.errors import did_you_mean
from tfx_sequences.schemas.columns.column import NumericColumn
from tfx_sequences.schemas.spec.forecast import Forecast
from tfx_sequences.schemas.spec.label import Label

if TYPE_CHECKING:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec


def forecast_heads(spec: SequenceSpec) -> dict[str, Label]:
    """The heads that are forecasts, by name; either none or all of a spec."""
    return {name: label for name, label in spec.heads.items() if label.type == "forecast"}


def forecast_options(label: Label) -> Forecast:
    """How a forecast is made."""
    return label.forecast or Forecast()


def horizon_of(spec: SequenceSpec) -> int:
    """Steps that are forecast, the same of all heads; 0 where there are no forecasts."""
    return max((label.horizon or 0 for label in forecast_heads(spec).values()), default=0)


def known_future(spec: SequenceSpec) -> dict[str, str]:
    """Of the sequence features that are known beforehand: the raw key of their future, by the feature's name."""
    return {name: key for label in forecast_heads(spec).values() for name, key in label.known_future.items()}


def without_normalizer(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields of a spec in which targets of forecasts, unless they say otherwise, are not normalised by their column.

    They are normalised series by series, by what the label says.
    """
    labels = data.get("labels")
    heads = [data.get("label"), *(labels.values() if isinstance(labels, Mapping) else ())]
    columns = data.get("sequence")
    if not isinstance(columns, Mapping):
        return data
    changed = dict(columns)
    for label in heads:
        fields = label.model_dump() if isinstance(label, Label) else label
        if not isinstance(fields, Mapping) or fields.get("type") != "forecast":
            continue
        target = fields.get("target")
        column = columns.get(target) if isinstance(target, str) else None
        if isinstance(column, Mapping) and column.get("type") == "numeric":
            changed[str(target)] = {"normalizer": "none", **column}
        elif isinstance(column, NumericColumn) and "normalizer" not in column.model_fields_set:
            changed[str(target)] = column.model_copy(update={"normalizer": "none"})
    return {**data, "sequence": changed}


def check_forecasts(spec: SequenceSpec) -> None:
    """Checks what a label alone cannot know.

    Raises:
        ValueError: A forecast does not fit the spec's features, its other labels, or its batching.
    """
    heads = forecast_heads(spec)
    if not heads:
        return
    others = [spec.where_of_head(name) for name in spec.heads if name not in heads]
    if others:
        raise ValueError(
            f"{others[0]} is no forecast, but other labels are: windows of a series have no such label; "
            "use a spec for each"
        )
    for name, label in heads.items():
        _check_features(spec, spec.where_of_head(name), label)
    for field in ("horizon", "is_cut_out", "known_future"):
        if any(getattr(a, field) != getattr(b, field) for a in heads.values() for b in heads.values()):
            what = {"is_cut_out": "way of telling the future (`key`)"}.get(field, field)
            raise ValueError(f"labels: all forecasts of a spec have the same {what}, for their windows are the same")
    by_target: dict[str | None, Label] = {}
    for label in heads.values():
        first = by_target.setdefault(label.target, label)
        if forecast_options(first).normalization != forecast_options(label).normalization:
            raise ValueError(f"labels: forecasts of '{label.target}' have different `forecast.normalization`")
    if len({forecast_options(label).windows for label in heads.values()}) > 1:
        raise ValueError("labels: all forecasts of a spec have the same `forecast.windows`")
    batching = spec.batching
    if batching.max_length is not None and batching.truncate != "head":
        raise ValueError(
            f"batching.truncate is '{batching.truncate}', which cuts off the end that a forecast goes on from: "
            "set `truncate: head`"
        )
    if batching.prepared:
        raise ValueError("batching.prepared keeps records as they are, but forecasts are learned from windows of them")


def _check_padding(spec: SequenceSpec, target: str) -> None:
    padding = spec.batching.padding.get(target)
    if padding is not None and padding.side == "left":
        raise ValueError(f"batching.padding puts the padding of '{target}', which is to be forecast, on the left")


def _check_features(spec: SequenceSpec, where: str, label: Label) -> None:
    for field, names in (("target", [str(label.target)]), ("known_future", list(label.known_future))):
        for name in names:
            if name not in spec.sequence:
                raise ValueError(
                    f"{where}.{field}: '{name}' is no sequence feature.{did_you_mean(name, spec.sequence)}"
                )
            if not isinstance(spec.sequence[name], NumericColumn):
                raise ValueError(f"{where}.{field}: '{name}' is {spec.sequence[name].type}, but it has to be numeric")
    _check_padding(spec, str(label.target))
    column: Any = spec.sequence[str(label.target)]
    if column.shape:
        raise ValueError(f"{where}.target: '{label.target}' has a shape; a forecast is of one number per step")
    if column.normalizer != "none":
        raise ValueError(
            f"sequence.{label.target}.normalizer is '{column.normalizer}', but {where}.forecast.normalization "
            "normalises each series by itself: leave the normalizer out"
        )
    taken = spec._context_keys & set(label.known_future.values())
    if taken:
        raise ValueError(f"{where}.known_future: '{min(taken)}' is a context feature too; give it a key of its own")
    options = forecast_options(label)
    longest = max(options.lags, default=0)
    if spec.batching.max_length is not None and longest + 1 > spec.batching.max_length:
        raise ValueError(
            f"{where}.forecast.lags: {longest} is further back than batching.max_length, "
            f"{spec.batching.max_length}, lets the network see"
        )
