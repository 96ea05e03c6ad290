"""Specs to attack with: documents that follow the spec's own JSON Schema, wild values in them, and mutated text."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import strategies as st

from tfx_sequences.schemas.spec.spec_io import json_schema

SCHEMA = json_schema()
# Few names, so that parts of a spec refer to one another.
NAMES = ("a", "b", "label", "x y", "ä/ö", "a.b", "id", "time")
WORDS = (*NAMES, "accuracy", "mean_squared_error", "0", "yes", "1e3", "", "model.units", "1h", "2020-01-01", "%Y")
# What no field expects, or none in this place.
WILD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**70),
    10**400,
    0.5,
    1e308,
    -1e-320,
    float("nan"),
    float("inf"),
    "",
    " ",
    "\t",
    "\x85\u2028",
    "\ud7ff\U0001f600",
    "e\u0301",
    "a" * 5000,
    "../../etc/passwd",
    "gs://b/x",
    "os.system",
    [],
    {},
    [[]],
    {"a": {}},
    [1, "a", None],
    {"type": "numeric"},
    {"type": []},
    {"": ""},
)
# Pieces of YAML that a person, an editor or an attacker puts into a text.
PIECES = (
    "\t",
    "\n",
    " ",
    ":",
    ": ",
    "- ",
    "#",
    "'",
    '"',
    "|\n",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "&a [*a]",
    "<<: *a\n",
    "<<: {a: 1}\n",
    "? ",
    "!!python/object/apply:os.system ['true']",
    "!!binary aGk=",
    "!!set {a, b}",
    "!!int x",
    "!!float .",
    "!!timestamp 2020-13-45",
    "2020-02-30",
    "%YAML 9.9\n---\n",
    "---\n",
    "...\n",
    "0x" + "f" * 400,
    "1" * 5000,
    "1:" * 40 + "1",
    "0b",
    ".nan",
    "-.inf",
    "~",
    "\x00",
    "\x07",
    "\ufeff",
    "\u202e",
    "\x85",
    "\ud7ff",
    "\U0010ffff",
    "[" * 60,
    "{a: " * 200,
    "- " * 300,
    "name: again\n",
    "label: {key: again}\n",
    "sequence: {}\n",
)
BOMB = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}' if n else 'x'] * 9)}]\n" for n in range(9))


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """A document that follows the schema; it may break rules that the schema does not state."""
    rare = draw(st.sampled_from((0, 0, 8, 20)))
    return _object(draw, SCHEMA, rare)


def wild(draw: Any, document: dict[str, Any]) -> dict[str, Any]:
    """The document with one value, anywhere, replaced by one that does not belong there, or a key misspelt."""
    document = json.loads(json.dumps(document))
    places = list(_places(document))
    holder, key = draw(st.sampled_from(places))
    if isinstance(holder, dict) and draw(st.integers(0, 4)) == 0:
        holder[draw(st.sampled_from(WORDS)) + key[1:]] = holder.pop(key)
    else:
        holder[key] = draw(st.sampled_from(WILD))
    return document


def mutated(draw: Any, text: str) -> str:
    """The text with one to three edits: cuts, doubled and moved lines, pieces of YAML, other characters."""
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(("cut", "end", "double", "swap", "piece", "piece", "piece", "indent", "bomb")))
        lines = text.splitlines(keepends=True) or [""]
        at = draw(st.integers(0, len(text)))
        line = draw(st.integers(0, len(lines) - 1))
        if kind == "cut":
            text = text[:at] + text[at + draw(st.integers(1, 20)) :]
        elif kind == "end":
            text = text[:at]
        elif kind == "double":
            text = "".join([*lines[: line + 1], *lines[line:]])
        elif kind == "swap":
            other = draw(st.integers(0, len(lines) - 1))
            lines[line], lines[other] = lines[other], lines[line]
            text = "".join(lines)
        elif kind == "piece":
            text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
        elif kind == "indent":
            lines[line] = draw(st.sampled_from((" ", "\t", "      "))) + lines[line]
            text = "".join(lines)
        else:
            text = BOMB + text
    return text


def text_of(document: dict[str, Any]) -> str:
    """The document as YAML."""
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100)


def _object(draw: Any, schema: dict[str, Any], rare: int) -> dict[str, Any]:
    found = {}
    required = set(schema.get("required", ()))
    if schema is SCHEMA:
        required |= {"label"} if draw(st.integers(0, 5)) else {"labels"}
    for name, field in schema.get("properties", {}).items():
        if name in required or (rare and draw(st.integers(0, rare)) == 0):
            found[name] = _value(draw, field, rare)
    patterns = schema.get("patternProperties", {})
    further = schema.get("additionalProperties") or next(iter(patterns.values()), None)
    if isinstance(further, dict):
        for _ in range(draw(st.integers(1, 3))):
            found[draw(st.sampled_from(NAMES))] = _value(draw, further, rare)
    return found


def _value(draw: Any, schema: dict[str, Any], rare: int) -> Any:
    if "$ref" in schema:
        return _value(draw, SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], rare)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return _value(draw, draw(st.sampled_from(choices)), rare)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kind = schema.get("type")
    if kind == "object":
        return _object(draw, schema, rare)
    if kind == "array":
        return _array(draw, schema, rare)
    if kind in ("integer", "number"):
        return _number(draw, schema, kind)
    if kind == "boolean":
        return draw(st.booleans())
    if kind == "null":
        return None
    if schema.get("pattern", "").startswith("^[A-Za-z]"):
        return draw(st.sampled_from(("a", "b", "label", "time")))
    return draw(st.sampled_from(WORDS if draw(st.integers(0, 3)) == 0 else NAMES))


def _array(draw: Any, schema: dict[str, Any], rare: int) -> list[Any]:
    if "prefixItems" in schema:
        return [_value(draw, item, rare) for item in schema["prefixItems"]]
    least = schema.get("minItems", 0)
    number = draw(st.integers(least, min(schema.get("maxItems", least + 2), least + 2)))
    return [_value(draw, schema.get("items", {"type": "string"}), rare) for _ in range(number)]


def _number(draw: Any, schema: dict[str, Any], kind: str) -> Any:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -2))
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 3))
    if kind == "integer":
        return draw(st.integers(int(low) + ("exclusiveMinimum" in schema), int(high)))
    # Fractions without rounding, so that a shrunk example is easy to read.
    return low + (high - low) * draw(st.sampled_from((0.25, 0.5, 0.75)))


def _places(value: Any) -> Any:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield value, key
        yield from _places(part)
