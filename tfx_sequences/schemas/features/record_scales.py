"""The scales of records that are normalised one by one: features that Transform adds, and the network reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfx_sequences.schemas.columns.column import Column, NumericColumn
from tfx_sequences.schemas.columns.names import SEQUENCE_PREFIX
from tfx_sequences.schemas.columns.numeric_columns import RECORD_NORMALIZERS
from tfx_sequences.schemas.features.observed_masks import with_observed_masks
from tfx_sequences.schemas.spec.forecasts import known_future

if TYPE_CHECKING:
    from tfx_sequences.schemas.spec.sequence_spec import SequenceSpec

_SUFFIX = ".record_scale"


def may_be_per_record(spec: SequenceSpec, name: str) -> bool:
    """The column's `auto` may choose a normaliser per record.

    Args:
        spec: The spec.
        name: The column's transformed name.
    """
    # Values that are known in advance continue after the record's last step.
    return name.startswith(SEQUENCE_PREFIX) and name.removeprefix(SEQUENCE_PREFIX) not in known_future(spec)


def record_scales(spec: SequenceSpec) -> Mapping[str, str]:
    """The features that Transform writes beside columns normalised per record: the column, by the feature's name.

    Those of a column whose normaliser is `auto` are empty where another one is chosen.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> record_scales(load_spec("japanese_vowels"))
    {'sequence.lpc.record_scale': 'sequence.lpc'}
    """
    found = {}
    for name, column in spec.columns.items():
        if not isinstance(column, NumericColumn):
            continue
        if column.normalizer == "auto":
            wanted = column.scale_feature is not False and may_be_per_record(spec, name)
        else:
            wanted = bool(column.scale_feature)
        if wanted:
            found[name + _SUFFIX] = name
    return found


def network_spec(spec: SequenceSpec, normalizers: Mapping[str, str]) -> SequenceSpec:
    """The spec as it is for whatever reads transformed records: with a column more for each observed mask, and for each
    scale of records.

    Args:
        spec: The spec.
        normalizers: By transformed name, what was chosen for the columns whose normaliser is `auto`.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> spec = load_spec("japanese_vowels")
    >>> list(network_spec(spec, {"sequence.lpc": "z_score"}).columns)
    ['sequence.lpc']
    >>> list(network_spec(spec, {"sequence.lpc": "per_record"}).columns)
    ['sequence.lpc', 'sequence.lpc.record_scale']
    """
    scales = record_scales(spec)
    spec = with_observed_masks(spec)
    sequence: dict[str, Column] = dict(spec.sequence)
    for feature, name in scales.items():
        column: Any = spec.columns[name]
        chosen = normalizers.get(name, column.normalizer)
        sequence[name.removeprefix(SEQUENCE_PREFIX)] = column.model_copy(update={"scale_feature": False})
        if chosen in RECORD_NORMALIZERS:
            key = feature.removeprefix(SEQUENCE_PREFIX)
            sequence[key] = NumericColumn(
                key=key, is_sequence=True, shape=(2 * column.size,), normalizer="none", dtype="float32"
            )
    return spec.model_copy(update={"sequence": sequence}) if scales else spec


def read_features(features: Mapping[str, Any], spec: SequenceSpec) -> dict[str, Any]:
    """The transformed features without the scales of records that the spec's network has no column for.

    Args:
        features: Their values, or how they are parsed.
        spec: As `network_spec` gives it.

    >>> from tfx_sequences.schemas.spec.spec_io import load_spec
    >>> features = {"sequence.lpc": 1, "sequence.lpc.record_scale": 2, "sequence_length": 3}
    >>> list(read_features(features, network_spec(load_spec("japanese_vowels"), {"sequence.lpc": "z_score"})))
    ['sequence.lpc', 'sequence_length']
    """
    columns = spec.columns
    left_out = {name + _SUFFIX for name, column in columns.items() if isinstance(column, NumericColumn)} - set(columns)
    return {name: feature for name, feature in features.items() if name not in left_out}
