"""Writes docs/spec.md from the spec's own models: python scripts/spec_reference.py"""

from __future__ import annotations

import json
import typing
from pathlib import Path

import pydantic
from pydantic_core import PydanticUndefined

from tfx_sequences.schemas.columns import column as columns
from tfx_sequences.schemas.kinds import forecast_options as forecast
from tfx_sequences.schemas.kinds.registry import kind_names
from tfx_sequences.schemas.spec import (
    batching,
    evaluation_options,
    label,
    model_options,
    training_options,
    tuning_options,
)
from tfx_sequences.schemas.spec import (
    sequence_spec as spec,
)

PAGE = Path(__file__).parents[1] / "docs" / "spec.md"
_IMPLIED = {"is_sequence", "type"}

_HEAD = """\
# The spec

A YAML file (or a `SequenceSpec` in Python). Only `name`, `sequence` and `label` (or `labels`) are needed.
Unknown keys are errors that name the closest key. `tfx-sequences schema` prints the JSON Schema, for
editors; to use it, begin the file with `# yaml-language-server: $schema=spec.schema.json`.

`tfx-sequences propose SCHEMA_OR_DATA --label KEY -o spec.yaml` writes a first one, from a `tensorflow_metadata` schema
(SchemaGen's `schema.pbtxt`, or one curated by hand) or from records, whose schema TFDV infers first. Comments in it say
what was guessed and which features are not in it. In Python it is `propose_spec(schema, label=...)`.

This page is made by `python scripts/spec_reference.py`.
"""


def render() -> str:
    """The page."""
    sections: list[tuple[str, type[pydantic.BaseModel]]] = [
        ("The whole", spec.SequenceSpec),
        ("context, sequence: `type: numeric`", columns.NumericColumn),
        ("normalizer: `{offset: ..., scale: ...}`", columns.Scaling),
        ("context, sequence: `type: categorical`", columns.CategoricalColumn),
        ("context, sequence: `type: bucketized`", columns.BucketizedColumn),
        ("context, sequence: `type: text`", columns.TextColumn),
        ("context, sequence: `type: time`", columns.TimeColumn),
        ("vocabulary", columns.Vocabulary),
        ("embedding", columns.Embedding),
        ("label", label.Label),
        ("label.forecast", forecast.Forecast),
        ("label.forecast.normalization", forecast.SeriesNormalization),
        ("splits", spec.Splits),
        ("batching", batching.Batching),
        ("batching.padding", batching.Padding),
        ("model", model_options.Model),
        ("model.front: `type: dense`", model_options.DenseLayer),
        ("model.front: `type: conv1d`", model_options.Conv1DLayer),
        ("training", training_options.Training),
        ("training.schedule", training_options.Schedule),
        ("training.backup", training_options.Backup),
        ("tuning", tuning_options.Tuning),
        ("tuning.parameters", tuning_options.Parameter),
        ("evaluation", evaluation_options.Evaluation),
        ("evaluation.thresholds", evaluation_options.Threshold),
    ]
    return _HEAD + "".join(_section(title, model) for title, model in sections)


def _section(title: str, model: type[pydantic.BaseModel]) -> str:
    lines = [f"\n## {title}\n", (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "), ""]
    lines += ["| key | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if name in _IMPLIED and model is not label.Label:
            continue
        words = " ".join((field.description or "").split()).replace("|", "\\|")
        values = ", ".join(f"`{kind}`" for kind in kind_names())
        shown = values if name == "type" else _type(field.annotation)
        lines.append(f"| `{name}` | {shown} | {_default(name, field)} | {words} |")
    return "\n".join(lines) + "\n"


def _default(name: str, field: pydantic.fields.FieldInfo) -> str:
    if name == "key" and field.is_required():
        return "the column's name"
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return ""
    if isinstance(value, pydantic.BaseModel):
        return "see below"
    return f"`{json.dumps(value)}`"


def _type(annotation: typing.Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return ""
    if origin is typing.Literal:
        return ", ".join(f"`{a}`" for a in arguments)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is tuple:
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"by name: {_type(arguments[1])}"
    if arguments:
        return " or ".join(t for t in dict.fromkeys(map(_type, arguments)) if t)
    names = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
